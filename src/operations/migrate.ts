// Copies a log into another: every event, in order, with its id, at its revision; before that the
// keys that seal them. Where it was interrupted it goes on, for what the target has is compared
// with what the source has, from the first event on.

import { isDeepStrictEqual } from 'node:util';
import type { EventLog, NewStoredEvent, Position, StoredEvent } from '../ports/eventLog.js';
import { keySubjectOf, type AdoptedKey, type KeyStore, type KeySubject } from '../ports/keyStore.js';
import { OperationError, type Report } from './operation.js';

const READ_BATCH = 500;
/** One append takes events that follow on one another in one stream, at most so many and so large. */
const APPEND_EVENTS = 100;
const APPEND_BYTES = 512 * 1_024;

export interface Migration {
  from: { log: EventLog; keys: KeyStore };
  /** Without keys they stay where they are. */
  to: { log: EventLog; keys: KeyStore | null };
  report: Report;
  signal: AbortSignal;
}

export interface Migrated {
  /** Of the source. */
  events: number;
  streams: number;
  /** How many events were copied now; the others were there already. */
  copied: number;
  /** How many keys the target was given, or had. */
  keys: number;
  /** Events of the target after those of the source: written since. */
  more: number;
}

/**
 * Copies what is missing, then compares all: ids, revisions, data and metadata of every event.
 * @throws OperationError when the target holds something else
 */
export async function migrate(migration: Migration): Promise<Migrated> {
  const looked = await copyKeys(migration);
  const copied = await copyEvents(migration, looked.events);
  const more = await compare(migration, looked.events);
  return { ...looked, copied, more };
}

/** Gives the target the keys of all streams, and counts what there is. One that was destroyed is destroyed there, too. */
async function copyKeys({ from, to, report, signal }: Migration): Promise<{ events: number; streams: number; keys: number }> {
  const looked = { events: 0, streams: 0, keys: 0 };
  for await (const batch of batchesOf(from.log)) {
    signal.throwIfAborted();
    const first = batch.filter(({ revision }) => revision === 0);
    looked.events += batch.length;
    looked.streams += first.length;
    if (to.keys !== null) looked.keys += await giveKeys(first.flatMap(({ stream }) => keySubjectOf(stream) ?? []), from.keys, to.keys);
    report({ done: looked.events, total: null, unit: to.keys === null ? 'events counted' : 'events counted, keys copied' });
  }
  return looked;
}

async function giveKeys(subjects: readonly KeySubject[], source: KeyStore, target: KeyStore): Promise<number> {
  const found = await source.find(subjects);
  const keys: AdoptedKey[] = [];
  for (const [index, stored] of found.entries()) {
    const subject = subjects[index] as KeySubject;
    if (stored.state === 'usable') keys.push({ subject, key: stored.key });
    if (stored.state === 'destroyed') await target.destroy(subject);
  }
  await target.adopt(keys);
  return keys.length;
}

/** @returns how many events were missing */
async function copyEvents({ from, to, report, signal }: Migration, total: number): Promise<number> {
  const target = eventsOf(to.log)[Symbol.asyncIterator]();
  const copier = new RunCopier(to.log);
  let done = 0;
  for await (const event of eventsOf(from.log)) {
    signal.throwIfAborted();
    const there = copier.begun ? undefined : await target.next();
    if (there !== undefined && there.done !== true) expectSame(event, there.value);
    else await copier.add(event);
    done += 1;
    report({ done, total, unit: 'events copied' });
  }
  await copier.flush();
  return copier.copied;
}

/** Gathers events that one append can hold, and appends them once another follows. */
class RunCopier {
  private run: StoredEvent[] = [];
  private bytes = 0;
  copied = 0;
  /** Whether the target's end was met: then nothing of it is to be compared any more. */
  begun = false;

  constructor(private readonly target: EventLog) {}

  async add(event: StoredEvent): Promise<void> {
    this.begun = true;
    const bytes = JSON.stringify(event.data).length + JSON.stringify(event.metadata).length;
    const fits = this.run.length < APPEND_EVENTS && this.bytes + bytes <= APPEND_BYTES && this.run[0]?.stream === event.stream;
    if (!fits) await this.flush();
    this.run.push(event);
    this.bytes += bytes;
  }

  async flush(): Promise<void> {
    const { run } = this;
    const first = run[0];
    if (first === undefined) return;
    const events = run.map(({ id, type, data, metadata }): NewStoredEvent => ({ id, type, data, metadata }));
    const { outcome } = await this.target.append(first.stream, first.revision === 0 ? 'none' : first.revision - 1, events);
    if (outcome === 'conflict') throw new OperationError(`${first.stream} of the target is written to by others; no service may run on it yet`);
    this.copied += run.length;
    this.run = [];
    this.bytes = 0;
  }
}

/** @returns how many events the target has after those of the source */
async function compare({ from, to, report, signal }: Migration, total: number): Promise<number> {
  const target = eventsOf(to.log)[Symbol.asyncIterator]();
  let done = 0;
  for await (const event of eventsOf(from.log)) {
    signal.throwIfAborted();
    const there = await target.next();
    if (there.done === true) throw new OperationError(`the target ends before ${nameOf(event)}`);
    expectSame(event, there.value);
    done += 1;
    report({ done, total, unit: 'events compared' });
  }
  let more = 0;
  while ((await target.next()).done !== true) more += 1;
  return more;
}

function expectSame(source: StoredEvent, target: StoredEvent): void {
  const { position: _source, ...wanted } = source;
  const { position: _target, ...found } = target;
  if (isDeepStrictEqual(wanted, found)) return;
  throw new OperationError(`the target has ${nameOf(target)} where the source has ${nameOf(source)}, or they differ in what they hold`);
}

/** An event without what it holds. */
const nameOf = ({ stream, revision, id }: StoredEvent) => `${stream} at revision ${revision} (${id})`;

async function* batchesOf(log: EventLog): AsyncIterable<StoredEvent[]> {
  let position: Position | null = null;
  for (;;) {
    const batch = await log.readAll(position, READ_BATCH);
    yield batch.events;
    if (batch.caughtUp) return;
    ({ position } = batch);
  }
}

async function* eventsOf(log: EventLog): AsyncIterable<StoredEvent> {
  for await (const batch of batchesOf(log)) yield* batch;
}
