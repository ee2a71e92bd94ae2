// Opens what the service and its operations work on: the platform that the settings name, its read
// models brought up to date.

import { v7 } from 'uuid';
import { BadSettingError, listOf, type Settings } from './config.js';
import { OperationError, type Host, type Report } from './operations/operation.js';
import { restoreEmbedded } from './platform/embedded/backup/restore.js';
import { openEmbedded } from './platform/embedded/index.js';
import { SealedEventStore } from './platform/sealedEventStore.js';
import { wrappingKeysOf } from './platform/wrapping.js';
import type { BackedUp } from './ports/backup.js';
import { systemClock, type Ids } from './ports/clock.js';
import type { PlatformObserver } from './ports/observer.js';
import type { Platform } from './ports/platform.js';
import { batchChanges, projections } from './projections/project.js';
import { Projector } from './projections/projector.js';
import { Skips } from './projections/skips.js';

const uuidV7: Ids = { next: () => v7() };

/**
 * Opens the platform; closing it is the caller's. Settings must hold the encryption key. Read models
 * that an older version made are made anew first, which `report` is told of; one that cannot be
 * brought up to date is left where it stopped. `observer` is told of the platform's work.
 * @throws BadSettingError, LockedError, LayoutError, WrongWrappingKeyError
 */
export async function openHost(settings: Settings, report: Report = () => undefined, observer?: PlatformObserver): Promise<Host> {
  const skips = new Skips();
  const platform = await openPlatform(settings, skips, observer);
  try {
    const { log, keys, commit, projectionStore } = platform;
    const events = new SealedEventStore(log, keys, commit);
    const deps = { projections, log, events, store: projectionStore, skips, clock: systemClock, ids: uuidV7 };
    const projector = new Projector(deps);
    await projector.start((name, progress) => report({ ...progress, unit: `events for ${name}` }));
    return { settings, platform, events, projector, clock: systemClock, ids: uuidV7, alone: true };
  } catch (error) {
    await platform.close();
    throw error;
  }
}

/**
 * Makes the data folder of a backup; `keysFolder` may be of a later one.
 * @throws OperationError, BackupError, WrongWrappingKeyError, UnavailableError; then nothing was changed
 */
export async function restoreHost(
  { DATA_DIR, ENCRYPTION_KEY, EVENTSTORE_URL, MONGODB_URL }: Settings,
  source: { folder: string; keysFolder: string },
  report: Report,
  signal: AbortSignal,
): Promise<BackedUp> {
  if (EVENTSTORE_URL !== undefined || MONGODB_URL !== undefined) {
    throw new OperationError('EventStoreDB and MongoDB are restored by their own tools');
  }
  const encryptionKeys = ENCRYPTION_KEY === undefined ? null : listOf(ENCRYPTION_KEY);
  return restoreEmbedded({ ...source, dataDir: DATA_DIR, encryptionKeys }, report, signal);
}

async function openPlatform(settings: Settings, skips: Skips, observer?: PlatformObserver): Promise<Platform> {
  const { DATA_DIR, ENCRYPTION_KEY, EVENTSTORE_URL, MONGODB_URL } = settings;
  if (EVENTSTORE_URL !== undefined || MONGODB_URL !== undefined) {
    throw new BadSettingError('EVENTSTORE_URL, MONGODB_URL: this version knows the embedded store only');
  }
  return openEmbedded({
    dataDir: DATA_DIR,
    wrappingKeys: wrappingKeysOf(listOf(ENCRYPTION_KEY ?? '')),
    projections,
    changesOf: (projection, events, load) => batchChanges(projection, events, load, skips),
    observer,
  });
}
