// The embedded platform as the contract suites open it: in a folder of its own.

import { createSecretKey } from 'node:crypto';
import { openEmbedded } from '../../src/platform/embedded/index.js';
import type { Linker } from '../../src/ports/chainStore.js';
import type { Platform } from '../../src/ports/platform.js';
import { batchChanges, projections } from '../../src/projections/project.js';
import { temporaryFolder } from '../support/folder.js';

export const wrappingKey = (byte = 7) => createSecretKey(Buffer.alloc(32, byte));

/** Opens the platform; `close` as the suites want it. */
export async function openPlatform(
  dataDir = temporaryFolder(),
  key = wrappingKey(),
  linker?: Linker,
): Promise<Omit<Platform, 'close'> & { close(): Promise<void> }> {
  const platform = await openEmbedded({ dataDir, wrappingKeys: [key], projections, changesOf: batchChanges, linker });
  return { ...platform, close: async () => platform.close() };
}
