// The embedded platform: every port on SQLite files in one folder, for one process at a time.

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Commit } from '../../ports/commit.js';
import type { Linker } from '../../ports/chainStore.js';
import type { EventLog, Position } from '../../ports/eventLog.js';
import type { PlatformObserver } from '../../ports/observer.js';
import type { Platform } from '../../ports/platform.js';
import type { Projection } from '../../ports/projection.js';
import type { MakeAppends } from '../../ports/readyAppends.js';
import type { MakeReady } from '../../ports/readySteps.js';
import { callerTrace } from '../../ports/tracing.js';
import { KeyWrapping, type WrappingKeys } from '../wrapping.js';
import { KeyedVault } from '../vault.js';
import { EmbeddedBackup } from './backup/write.js';
import { SqliteProjectionChecks } from './checks.js';
import { SqliteChainStore } from './chainStore.js';
import { Database, type MemoryUse } from './database.js';
import { SqliteDeliveryStore } from './deliveries.js';
import { SqliteDocuments } from './documents.js';
import { Dropper } from './dropper.js';
import { SqliteEventEntries } from './eventEntries.js';
import { SqliteEventIndex } from './eventIndex.js';
import { SqliteEventLog } from './eventLog.js';
import { SqliteGenerations } from './generations.js';
import { makeFolder } from './folder.js';
import { GroupCommit, type GroupObserver } from './groupCommit.js';
import { SqliteHistoryStore } from './historyStore.js';
import { InlineChain } from './inlineChain.js';
import { InlineProjector, type ChangesOf } from './inlineProjector.js';
import { SqliteKeyStore } from './keyStore.js';
import { keyMigrations, storeFile, storeMigrations } from './layout.js';
import { EmbeddedLeases } from './leases.js';
import { takeLock } from './lock.js';
import type { MadeAppends } from './madeAppends.js';
import { openEventPages } from './pagePool.js';
import { SqliteProjectionStore } from './projectionStore.js';
import { SqliteReadStore } from './readStore.js';
import { ThreadAppends } from './readyAppends.js';
import { ThreadSteps } from './readySteps.js';
import { Scrubber } from './scrubber.js';
import { SqliteReplayStore } from './replays.js';
import { SqliteCheckpoints, SqliteCounterStore, SqliteIdempotencyStore } from './state.js';
import { SqliteWebhookEndpoints } from './webhookEndpoints.js';

/** What is kept beside a log elsewhere. */
const OTHER_LOG_FILE = 'contacts-of-other-log.sqlite';

export interface EmbeddedOptions {
  /** The folder of the files; made when it is missing. */
  dataDir: string;
  /** The first wraps keys, all unwrap them. */
  wrappingKeys: WrappingKeys;
  projections: readonly Projection[];
  changesOf: ChangesOf;
  /** Whether the keys are kept elsewhere, so that none are missed here. */
  keysElsewhere?: boolean;
  /** Links events as they are stored, where they and their chains are both kept here. */
  linker?: Linker | undefined;
  /** The order of positions, where the events lie in another log. */
  compare?: EventLog['compare'] | undefined;
  /** Positions of that log as texts that sort as they do; as they are unless given. */
  sortKey?: ((position: Position) => string) | undefined;
  observer?: PlatformObserver | undefined;
  /** What a thread runs that makes steps of a rebuild ready; none unless given. */
  stepThread?: URL | undefined;
  /** What a thread runs that makes appends ready by orders of its own; none unless given. */
  appendThread?: URL | undefined;
  /** What it may take; as where requests are served unless given. */
  memory?: MemoryUse | undefined;
}

/** There are events, and not the keys of what is personal in them. */
export class MissingKeysError extends Error {
  override readonly name = 'MissingKeysError';
}

/** There are keys, and not the events that they are of. */
export class MissingEventsError extends Error {
  override readonly name = 'MissingEventsError';
}

/** Log and read models in one: a commit is one step. */
export type EmbeddedPlatform = Platform & { commit: Commit };

/**
 * Opens the platform, waiting up to 5 s for another process to let go of the folder.
 * @throws FolderError when the folder cannot be made
 * @throws LockedError when another process has it
 * @throws LayoutError when a newer version of the service wrote it
 * @throws WrongWrappingKeyError
 * @throws MissingKeysError, MissingEventsError
 */
export async function openEmbedded({ dataDir, wrappingKeys, observer, memory, stepThread, appendThread, keysElsewhere = false, ...options }: EmbeddedOptions): Promise<EmbeddedPlatform> {
  makeFolder(dataDir);
  const lock = await takeLock(join(dataDir, 'contacts.lock'));
  const closers: (() => void | Promise<void>)[] = [() => lock.release()];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    // What follows another log has a file of its own: positions of one log mean nothing to another.
    const file = options.compare === undefined ? storeFile.events : OTHER_LOG_FILE;
    if (options.compare === undefined && !keysElsewhere) requireEvents(dataDir);
    const store = new Database(join(dataDir, file), storeMigrations, memory);
    closers.push(() => store.close());
    const files = { events: join(dataDir, file), keys: join(dataDir, storeFile.keys), wrappingKeys };
    if (!keysElsewhere) requireKeys(files.keys, store);
    const keyFile = new Database(files.keys, keyMigrations);
    closers.push(() => keyFile.close());
    if (!keysElsewhere) requireSomeKey(files.keys, keyFile, store);
    const eventPages = openEventPages(files);
    closers.push(() => eventPages.close());
    const keyWrites = new GroupCommit(keyFile, observing(observer, 'keys'));
    const keys = new SqliteKeyStore(keyFile, keyWrites, new KeyWrapping(wrappingKeys), (subject) => eventPages.forget(subject), () => scrubber.request());
    const { dropper, scrubber, documents, commitReady, ...ports } = openStore(store, keyFile, options, observing(observer, 'contacts'));
    closers.push(async () => void (await Promise.all([dropper.stop(), scrubber.stop()])));
    const checks = new SqliteProjectionChecks(store, documents, [files.events, files.keys]);
    const makeReady: MakeReady | null = stepThread === undefined ? null : (projection, after) => new ThreadSteps(stepThread, files, projection, after, ports.projectionStore);
    const makeAppends: MakeAppends | null = appendThread === undefined ? null : (orders) => new ThreadAppends(appendThread, { wrappingKeys, orders }, keys, commitReady);
    return { ...ports, makeReady, makeAppends, checks, scrub: () => scrubber.request(), eventPages, keys, vault: new KeyedVault(keys), backup: new EmbeddedBackup(dataDir), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * New keys beside old events would stand in the way of the old ones. Told before a file that was
 * emptied is opened: what is written ahead then would be taken for a part of the right one, put back.
 * @throws MissingKeysError
 */
function requireKeys(file: string, store: Database): void {
  if (holdsSomething(file) || store.get('SELECT 1 FROM events LIMIT 1') === undefined) return;
  throw new MissingKeysError(`${file} is missing or empty: what is personal in the events cannot be read without it; put it back, or restore a backup`);
}

/** A file of keys that is another's holds none of these. @throws MissingKeysError */
function requireSomeKey(file: string, keyFile: Database, store: Database): void {
  if (keyFile.get('SELECT 1 FROM keys LIMIT 1') !== undefined) return;
  const sealed = `SELECT 1 FROM events WHERE stream >= 'contact-' AND stream < 'contact.' AND json_type(data, '$.personal') IS NOT NULL LIMIT 1`;
  if (store.get(sealed) === undefined) return;
  throw new MissingKeysError(`${file} holds no key: what is personal in the events cannot be read without it; put it back, or restore a backup`);
}

/** Keys are made after the file of events is: where that is gone, a new one would hide it. @throws MissingEventsError */
function requireEvents(dataDir: string): void {
  const [events, keys] = [join(dataDir, storeFile.events), join(dataDir, storeFile.keys)];
  if (holdsSomething(events) || !holdsSomething(keys) || existsSync(join(dataDir, OTHER_LOG_FILE))) return;
  throw new MissingEventsError(`${events} is missing or empty, though ${storeFile.keys} is there: put it back, or restore a backup; to begin anew, take ${storeFile.keys} away, too`);
}

function holdsSomething(file: string): boolean {
  return (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

const observing =
  (observer: PlatformObserver | undefined, store: string): GroupObserver =>
  (group) =>
    observer?.written({ store, ...group });

function openStore(
  database: Database,
  keyFile: Database,
  { projections, changesOf, linker, compare, sortKey = String }: Pick<EmbeddedOptions, 'projections' | 'changesOf' | 'linker' | 'compare' | 'sortKey'>,
  observe: GroupObserver,
) {
  const writes = new GroupCommit(database, observe);
  const log = new SqliteEventLog(database, writes);
  const order = compare ?? ((a, b) => log.compare(a, b));
  const generations = new SqliteGenerations(database, order);
  const documents = new SqliteDocuments(database, generations);
  const entries = new SqliteEventEntries(database, sortKey);
  const dropper = new Dropper(writes, generations, documents, entries);
  const projectionStore = new SqliteProjectionStore(database, writes, generations, documents, entries, dropper);
  const inline = new InlineProjector(projections, projectionStore, generations, documents, changesOf);
  writes.join(generations);
  writes.join(documents);
  writes.join(inline);
  const chain = new SqliteChainStore(database, writes, linker !== undefined);
  if (linker !== undefined) writes.join(new InlineChain(log, chain, linker));
  const commit: Commit = (stream, expected, stored, plain) => {
    const caller = callerTrace();
    return writes.runUnguarded(() => log.appendNow(stream, expected, stored, (appended) => inline.add(appended, plain, caller)));
  };
  const commitReady = ({ events, made }: MadeAppends) => writes.run(() => log.appendReadyNow(events, (before, to) => inline.addReady(made, before, to)));
  const scrubber = new Scrubber(database, keyFile, writes, generations);
  dropper.start();
  scrubber.start();
  return {
    dropper,
    scrubber,
    documents,
    commitReady,
    log,
    commit,
    projectionStore,
    readStore: new SqliteReadStore(database, documents),
    history: new SqliteHistoryStore(database, documents),
    eventIndex: new SqliteEventIndex(database, log),
    checkpoints: new SqliteCheckpoints(database, writes),
    chain,
    idempotency: new SqliteIdempotencyStore(database, writes),
    counters: { shared: false as const, store: new SqliteCounterStore(database, writes) },
    leases: new EmbeddedLeases(),
    webhooks: {
      endpoints: new SqliteWebhookEndpoints(database, writes),
      deliveries: new SqliteDeliveryStore(database, writes, order),
      replays: new SqliteReplayStore(database, writes),
    },
  };
}
