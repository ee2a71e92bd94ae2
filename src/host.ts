// Opens what the service and its operations work on: the platform that the settings name, its read
// models brought up to date.

import { createSecretKey } from 'node:crypto';
import { v7 } from 'uuid';
import { BadSettingError, type Settings } from './config.js';
import type { Host } from './operations/operation.js';
import { openEmbedded } from './platform/embedded/index.js';
import { SealedEventStore } from './platform/sealedEventStore.js';
import { systemClock, type Ids } from './ports/clock.js';
import type { Platform } from './ports/platform.js';
import { catchUp } from './projections/catchUp.js';
import { batchChanges, projections } from './projections/project.js';

const uuidV7: Ids = { next: () => v7() };

/**
 * Opens the platform; closing it is the caller's. Settings must hold the encryption key.
 * @throws BadSettingError, LockedError, LayoutError, WrongWrappingKeyError
 */
export async function openHost(settings: Settings): Promise<Host> {
  const platform = await openPlatform(settings);
  try {
    const { log, keys, commit, projectionStore } = platform;
    const events = new SealedEventStore(log, keys, commit);
    for (const projection of projections) await catchUp(projection, { log, events, store: projectionStore });
    return { settings, platform, events, clock: systemClock, ids: uuidV7 };
  } catch (error) {
    await platform.close();
    throw error;
  }
}

async function openPlatform({ DATA_DIR, ENCRYPTION_KEY, EVENTSTORE_URL, MONGODB_URL }: Settings): Promise<Platform> {
  if (EVENTSTORE_URL !== undefined || MONGODB_URL !== undefined) {
    throw new BadSettingError('EVENTSTORE_URL, MONGODB_URL: this version knows the embedded store only');
  }
  return openEmbedded({
    dataDir: DATA_DIR,
    wrappingKey: createSecretKey(Buffer.from(ENCRYPTION_KEY ?? '', 'base64')),
    projections,
    changesOf: batchChanges,
  });
}
