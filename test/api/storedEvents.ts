// What a stopped service stored: its events, read from its folder.

import { createSecretKey } from 'node:crypto';
import { openEmbedded } from '../../src/platform/embedded/index.js';
import { batchChanges, projections } from '../../src/projections/project.js';
import type { StoredEvent } from '../../src/ports/eventLog.js';
import { ENCRYPTION_KEY } from '../support/service.js';

/** All events in the folder of a service that was stopped, in order. */
export async function storedEvents(dataDir: string): Promise<StoredEvent[]> {
  const wrappingKey = createSecretKey(Buffer.from(ENCRYPTION_KEY, 'base64'));
  const platform = await openEmbedded({ dataDir, wrappingKeys: [wrappingKey], projections, changesOf: batchChanges });
  try {
    return (await platform.log.readAll(null, 100_000)).events;
  } finally {
    platform.close();
  }
}
