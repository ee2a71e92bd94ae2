// Opens what the service and its operations work on: the platform that the settings name, and what
// runs on any. The event log and the rest are chosen each on its own.

import { HeadKeys } from './chain/headKeys.js';
import { ChainLinker } from './chain/linker.js';
import { BadSettingError, listOf, type Settings } from './config.js';
import { upcasters } from './domain/events/registry.js';
import { OperationError, type Host, type Report } from './operations/operation.js';
import { restoreEmbedded } from './platform/embedded/backup/restore.js';
import { FolderError, makeWritableFolder } from './platform/embedded/folder.js';
import type { MemoryUse } from './platform/embedded/database.js';
import { openEmbedded } from './platform/embedded/index.js';
import { IndexedEventsOf } from './platform/indexedEvents.js';
import { SealedEventStore } from './platform/sealedEventStore.js';
import type { EventStoreDbLog } from './platform/servers/eventStoreDbLog.js';
import { sortKey } from './platform/servers/eventStoreDbPositions.js';
import { Uuids } from './platform/uuids.js';
import { KeyedVault } from './platform/vault.js';
import { wrappingKeysOf, type WrappingKeys } from './platform/wrapping.js';
import type { BackedUp } from './ports/backup.js';
import type { Linker } from './ports/chainStore.js';
import { systemClock } from './ports/clock.js';
import type { EventLog, Position } from './ports/eventLog.js';
import type { EventStore } from './ports/eventStore.js';
import type { PlatformObserver } from './ports/observer.js';
import type { ProjectionChecks } from './ports/projectionChecks.js';
import type { Platform } from './ports/platform.js';
import { eventIndexProjection } from './projections/eventIndex.js';
import { batchChanges, projections } from './projections/project.js';
import { Projector } from './projections/projector.js';
import { commitAndShow } from './projections/showing.js';
import { Skips } from './projections/skips.js';
import { Unreadable } from './projections/unreadable.js';

const ids = new Uuids();

/**
 * Opens the platform; closing it is the caller's. Settings must hold the encryption key. On the
 * embedded platform, read models that an older version made are made anew first, which `report` is
 * told of; one that cannot be brought up to date is left where it stopped. On any other that is the
 * follower's work. A service gives an `observer`, which is told of the platform's work; without one
 * the host is a single operation's, which may take memory when it `fills` the store.
 * @throws BadSettingError, LockedError, LayoutError, WrongWrappingKeyError, UnavailableError
 */
export async function openHost(settings: Settings, report: Report = () => undefined, observer?: PlatformObserver, fills = false): Promise<Host> {
  const skips = new Skips();
  const unreadable = new Unreadable();
  const alone = observer === undefined;
  const platform = await openPlatform({ settings, skips, observer, memory: fills ? 'filling' : alone ? 'alone' : 'serving' });
  try {
    const { log, keys, projectionStore: store, makeReady, checks } = platform;
    const commit = platform.commit ?? commitAndShow({ projections, log, store, skips });
    const events: EventStore = new SealedEventStore(log, keys, commit, upcasters, {
      has: (event) => skips.some(event),
      refresh: () => skips.load({ log, events }),
      unreadable: (event) => unreadable.add(event),
    });
    const shared = platform.commit === null;
    const made = settings.EVENTSTORE_URL === undefined ? projections : [...projections, eventIndexProjection];
    const projector = new Projector({ projections: made, log, events, store, makeReady, checks, skips, unreadable, clock: systemClock, ids, shared });
    if (shared) await skips.load({ log, events });
    else await projector.start((name, progress) => report({ ...progress, unit: `events for ${name}` }));
    return { settings, platform, events, projector, clock: systemClock, ids, alone };
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

interface Opening {
  settings: Settings;
  skips: Skips;
  observer: PlatformObserver | undefined;
  memory: MemoryUse;
}

async function openPlatform(opening: Opening): Promise<Platform> {
  const { EVENTSTORE_URL, MONGODB_URL } = opening.settings;
  const log = EVENTSTORE_URL === undefined ? null : await openEventStoreDb(EVENTSTORE_URL, opening.observer);
  try {
    return await (MONGODB_URL === undefined ? withEmbedded(opening, log) : withMongo(MONGODB_URL, opening, log));
  } catch (error) {
    await log?.close();
    throw error;
  }
}

// The servers' clients are loaded where they are used: together they take 22 MB and half a second.

async function openEventStoreDb(url: string, observer: PlatformObserver | undefined): Promise<EventStoreDbLog> {
  const { EventStoreDbLog } = await import('./platform/servers/eventStoreDbLog.js');
  return new EventStoreDbLog({
    url,
    onTrouble: (error) => observer?.lost(error),
    onWritten: (written) => observer?.written({ store: 'eventstoredb', ...written }),
  });
}

/** Makes the folder of the data where it is missing. @throws BadSettingError when it cannot be made or written to */
export function prepareDataDir(dataDir: string): void {
  try {
    makeWritableFolder(dataDir);
  } catch (error) {
    throw error instanceof FolderError ? new BadSettingError(`DATA_DIR ${error.message}`) : error;
  }
}

/** Everything in the embedded store, but for a log elsewhere; or the log alone, and the rest elsewhere. */
async function withEmbedded({ settings, skips, observer, memory }: Opening, log: EventStoreDbLog | null, logAlone = false): Promise<Platform> {
  prepareDataDir(settings.DATA_DIR);
  const embedded = await openEmbedded({
    dataDir: settings.DATA_DIR,
    wrappingKeys: wrappingKeysFor(settings),
    projections,
    changesOf: (projection, events, load) => batchChanges(projection, events, load, skips),
    keysElsewhere: logAlone,
    linker: log === null && !logAlone ? linkerFor(settings, (error) => observer?.forged(error)) : undefined,
    ...(log === null ? {} : orderOf(log)),
    observer,
    memory,
    ...(log === null ? { stepThread: new URL('./stepThread.js', import.meta.url), appendThread: new URL('./seedThread.js', import.meta.url) } : {}),
  });
  if (log === null) return embedded;
  const { backup: _, ...rest } = embedded;
  return { ...rest, log, commit: null, eventPages: null, eventIndex: new IndexedEventsOf(log, rest.projectionStore), close: closing(embedded, log) };
}

/** Everything in MongoDB, but for the log: elsewhere, or in the embedded store. */
async function withMongo(url: string, opening: Opening, server: EventStoreDbLog | null): Promise<Platform> {
  const embedded = server === null ? await withEmbedded(opening, null, true) : null;
  const log = server ?? (embedded as Platform).log;
  try {
    const names = [...projections, eventIndexProjection].map(({ name }) => name);
    const { openMongo } = await import('./platform/servers/mongoPlatform.js');
    const mongo = await openMongo({ url, wrappingKeys: wrappingKeysFor(opening.settings), projections: names, ...orderOf(log), observer: opening.observer });
    const eventIndex = server === null ? (embedded as Platform).eventIndex : new IndexedEventsOf(server, mongo.projectionStore);
    const checks = embedded === null ? mongo.checks : besides(mongo.checks, () => embedded.checks.damage());
    return { ...mongo, checks, log, commit: null, eventPages: null, eventIndex, vault: new KeyedVault(mongo.keys), close: closing(mongo, server ?? (embedded as Platform)) };
  } catch (error) {
    await embedded?.close();
    throw error;
  }
}

/** The order of a log's positions, for what is kept apart from it. */
function orderOf(log: EventLog) {
  return { compare: (a: Position | null, b: Position | null) => log.compare(a, b), sortKey };
}

/** Makes the links of the audit chains by the keys that settings name. */
export function linkerFor(settings: Settings, onForged: (error: Error) => void): Linker {
  return new ChainLinker({ keys: new HeadKeys(listOf(settings.ENCRYPTION_KEY ?? '')), clock: systemClock, onForged });
}

function wrappingKeysFor({ ENCRYPTION_KEY }: Settings): WrappingKeys {
  return wrappingKeysOf(listOf(ENCRYPTION_KEY ?? ''));
}

/** The checks of the read models, and the files of another store beside. */
function besides(checks: ProjectionChecks, damage: ProjectionChecks['damage']): ProjectionChecks {
  return {
    foundOtherwise: (...asked) => checks.foundOtherwise(...asked),
    tells: (...asked) => checks.tells(...asked),
    strays: (...asked) => checks.strays(...asked),
    damage,
  };
}

/** Closes both, the first first. */
function closing(...parts: { close(): void | Promise<void> }[]): () => Promise<void> {
  return async () => {
    for (const part of parts) await part.close();
  };
}
