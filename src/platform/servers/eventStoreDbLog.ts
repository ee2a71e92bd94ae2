// The event log in EventStoreDB: our streams among whatever else the server holds.

import { setTimeout as sleep } from 'node:timers/promises';
import { streamCategories } from '../../domain/streams.js';
import { UnavailableError } from '../../ports/errors.js';
import type { WrittenGroup } from '../../ports/observer.js';
import type { IndexEntry } from '../../ports/projection.js';
import type { PickingLog } from '../indexedEvents.js';
import type { AppendResult, EventBatch, EventLog, ExpectedRevision, NewStoredEvent, Position, StoredEvent } from '../../ports/eventLog.js';
import { EventStoreDbConnection } from './eventStoreDbConnection.js';
import { AppendTooLargeError, LogEndsBeforeError, isTombstoned, isWrongVersion } from './eventStoreDbErrors.js';
import { isOurs, toStoredEvent } from './eventStoreDbEvents.js';
import { comparePositions, decodePosition, encodePosition, isPosition, type LogPosition } from './eventStoreDbPositions.js';
import { EventStoreDbPicks } from './eventStoreDbPicks.js';
import { patiently, pauseAfter } from './eventStoreDbRetries.js';
import { EventStoreDbTail } from './eventStoreDbTail.js';

/** What EventStoreDB takes in one append, in bytes, unless it is told otherwise. */
export const MAX_APPEND_BYTES = 1_024 * 1_024;
const READ_BATCH = 500;
const FOLLOW_BATCH = 500;
/** How many more events than asked for are read, as some may not be ours; and how many are looked at in one go at most. */
const FOREIGN_ALLOWANCE = 32;
const LOOK_AT_MOST = 10_000;

/** How long things may take, in ms. */
export interface EventStoreDbPatience {
  /** An append is tried again for so long while it cannot be told whether it happened. */
  append: number;
  /** One try of an append. */
  appendTry: number;
  /** A read is tried again for so long. */
  read: number;
  /** A try of a read that gives nothing for so long is given up. */
  stalled: number;
}

const patience: EventStoreDbPatience = { append: 5_000, appendTry: 2_500, read: 1_500, stalled: 5_000 };

export interface EventStoreDbOptions {
  /** The client's connection string: hosts, discovery, TLS, credentials. */
  url: string;
  /** Told when following the log breaks; it is tried again without end. */
  onTrouble?: (error: unknown) => void;
  /** Told of each append that was stored: how many writes it held, and how long the server took. */
  onWritten?: (written: Written) => void;
  /** What the names of our streams begin with. */
  prefixes?: readonly string[];
  patience?: Partial<EventStoreDbPatience>;
}

/** Writes that became durable together. */
export type Written = Omit<WrittenGroup, 'store'>;

const ourPrefixes = streamCategories.map((category) => `${category}-`);

export class EventStoreDbLog implements EventLog, PickingLog {
  private readonly connection: EventStoreDbConnection;
  private readonly tail: EventStoreDbTail;
  private readonly prefixes: readonly string[];
  private readonly patience: EventStoreDbPatience;
  private readonly onTrouble: (error: unknown) => void;
  private readonly onWritten: (written: Written) => void;
  private readonly closing = new AbortController();
  private readonly picks = new EventStoreDbPicks(
    (stream, from, count) => this.readSome(stream, from, count),
    (from, count) => this.reading(async () => (await this.connection.readAll(decodePosition(from), count)).map(toStoredEvent)),
  );
  /** The furthest event of ours that is known, or where a search ended; looking for the last one need not look before it. */
  private furthest: LogPosition | null = null;

  /** @throws BadConnectionStringError */
  constructor({ url, onTrouble = () => undefined, onWritten = () => undefined, prefixes = ourPrefixes, patience: given = {} }: EventStoreDbOptions) {
    this.patience = { ...patience, ...given };
    this.connection = new EventStoreDbConnection(url, this.patience.stalled);
    this.tail = new EventStoreDbTail(this.connection, prefixes, onTrouble);
    this.prefixes = prefixes;
    this.onTrouble = onTrouble;
    this.onWritten = onWritten;
  }

  /** @throws UnavailableError, and AppendTooLargeError for what the server would refuse */
  async append(stream: string, expected: ExpectedRevision, events: readonly NewStoredEvent[]): Promise<AppendResult> {
    checkSize(events);
    return this.patiently(this.patience.append, 'an append may or may not be stored', async (leftMs) => {
      try {
        const began = performance.now();
        const result = await this.connection.append(stream, expected, events, Math.min(leftMs, this.patience.appendTry));
        const { success, nextExpectedRevision, position } = result;
        // A connection string can have conflicts told so, with a revision that is not right.
        if (!success) return await this.settle(stream, expected, events, Infinity);
        this.onWritten({ writes: 1, seconds: (performance.now() - began) / 1_000 });
        return await this.appended(stream, Number(nextExpectedRevision), position);
      } catch (error) {
        if (isTombstoned(error)) return { outcome: 'conflict' };
        if (!isWrongVersion(error)) throw error;
        return this.settle(stream, expected, events, error.actualVersion === 'no_stream' ? -1 : Number(error.actualVersion));
      }
    });
  }

  async *read(stream: string, fromRevision: number): AsyncIterable<StoredEvent[]> {
    for (let from = fromRevision; ; ) {
      const events = await this.readSome(stream, from, READ_BATCH);
      if (events.length > 0) yield events;
      const last = events.at(-1);
      if (last === undefined || events.length < READ_BATCH) return;
      // Not by counting: a stream whose beginning was deleted begins further on.
      from = last.revision + 1;
    }
  }

  async last(stream: string): Promise<StoredEvent | null> {
    const last = await this.reading(() => this.connection.readLast(stream));
    return last === undefined ? null : toStoredEvent(last);
  }

  async readAll(after: Position | null, limit: number): Promise<EventBatch> {
    return this.reading(() => this.batchAfter(after, limit));
  }

  async *subscribe(after: Position | null, signal: AbortSignal): AsyncIterable<EventBatch> {
    const stop = AbortSignal.any([signal, this.closing.signal]);
    this.tail.start();
    let position = after;
    let reached = false;
    while (!stop.aborted) {
      const { version } = this.tail;
      // The end counts as reached only when the log itself says so, not what is known of it here.
      const batch: EventBatch | null = (reached ? this.tail.after(position, FOLLOW_BATCH) : null) ?? (await this.batchInTheEnd(position, stop));
      if (batch === null) break;
      const news = batch.events.length > 0 || batch.position !== position || (batch.caughtUp && !reached);
      if (news && !signal.aborted) yield batch;
      ({ position } = batch);
      reached ||= batch.caughtUp;
      if (batch.caughtUp) await this.tail.changedSince(version, stop);
    }
    if (!signal.aborted) throw new UnavailableError('the event log was closed');
  }

  /** The last event of ours; behind many of others, where the search for it ended: whoever reads on comes past there. */
  async head(): Promise<Position | null> {
    return this.reading(async () => {
      const known = this.furthest;
      for (let [before, count, looked]: ['end' | LogPosition, number, number] = ['end', FOREIGN_ALLOWANCE, 0]; ; count = READ_BATCH) {
        const events = await this.connection.readBackwards(before, count);
        const ours = events.find((event) => isOurs(event, this.prefixes));
        const oldest = events.at(-1)?.position;
        looked += events.length;
        const found = ours?.position ?? (looked >= LOOK_AT_MOST ? oldest : undefined);
        if (found !== undefined) this.knows(found);
        const done = found !== undefined || oldest === undefined || events.length < count;
        if (done || (known !== null && comparePositions(oldest, known) <= 0)) return this.furthest && encodePosition(this.furthest);
        before = oldest;
      }
    });
  }

  /** Positions are places in the server's files: how many events lie between two cannot be told. */
  async reaches(position: Position): Promise<boolean> {
    if (!isPosition(position)) return false;
    const wanted = decodePosition(position);
    const isThere = async () => {
      const [last] = await this.connection.readBackwards('end', 1);
      return last !== undefined && comparePositions(wanted, last.position) <= 0;
    };
    return mayBePastTheEnd(wanted) || this.reading(() => this.surely(isThere, Boolean));
  }

  count(): null {
    return null;
  }

  compare(a: Position | null, b: Position | null): number {
    const [ours, others] = [a !== null && isPosition(a), b !== null && isPosition(b)];
    return ours && others ? comparePositions(decodePosition(a), decodePosition(b)) : Number(ours) - Number(others);
  }

  pick(places: readonly IndexEntry[]): Promise<StoredEvent[]> {
    return this.surely(() => this.picks.pick(places), (events) => events.length === places.length);
  }

  isPosition(text: string): boolean {
    return isPosition(text);
  }

  /** Ends subscriptions, and lets go of the server. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.tail.stop();
    await this.connection.close();
  }

  /** The answer to an append that is stored. The server does not always say where. */
  private async appended(stream: string, revision: number, position: LogPosition | undefined): Promise<AppendResult> {
    const at = position ?? (await this.connection.readStream(stream, revision, 1))[0]?.position;
    if (at === undefined) throw new Error(`the event at revision ${revision} that was appended cannot be read`);
    this.knows(at);
    return { outcome: 'appended', revision, position: encodePosition(at) };
  }

  /** Whether a refused append was made before: then these very events stand where it would have put them. */
  private async settle(stream: string, expected: ExpectedRevision, events: readonly NewStoredEvent[], current: number): Promise<AppendResult> {
    const first = expected === 'none' ? 0 : expected + 1;
    if (current < first + events.length - 1) return { outcome: 'conflict' };
    const stored = await this.connection.readStream(stream, first, events.length);
    const last = stored.at(-1);
    const same = stored.length === events.length && stored.every(({ id }, index) => id === events[index]?.id);
    return same && last !== undefined ? this.appended(stream, Number(last.revision), last.position) : { outcome: 'conflict' };
  }

  private readSome(stream: string, from: number, count: number): Promise<StoredEvent[]> {
    return this.reading(async () => (await this.connection.readStream(stream, from, count)).map(toStoredEvent));
  }

  /** As `readAll`, one try. */
  private async batchAfter(after: Position | null, limit: number): Promise<EventBatch> {
    const events: StoredEvent[] = [];
    let position = decodePosition(after);
    for (let looked = 0; looked < LOOK_AT_MOST; ) {
      const count = Math.max(limit - events.length + FOREIGN_ALLOWANCE, looked === 0 ? 0 : READ_BATCH);
      const found = await this.surely(() => this.connection.readAll(position, count), isFound(position));
      if (!isFound(position)(found)) throw endsBefore(position);
      for (const event of found) {
        // A read begins with the event at the position, which was seen.
        if (comparePositions(event.position, position) <= 0) continue;
        const concerns = isOurs(event, this.prefixes);
        if (concerns && events.length === limit) return { events, position: encodePosition(position), caughtUp: false };
        if (concerns) events.push(toStoredEvent(event));
        position = event.position;
      }
      if (found.length < count) return { events, position: encodePosition(position), caughtUp: true };
      looked += found.length;
    }
    return { events, position: encodePosition(position), caughtUp: false };
  }

  /** What `look` gives; where that lacks something, what it gives of a server that surely knows all of its log. */
  private async surely<Given>(look: () => Promise<Given>, isWhole: (given: Given) => boolean): Promise<Given> {
    const given = await look();
    if (isWhole(given)) return given;
    await this.reading(() => this.connection.untilItKnowsAll(`${this.prefixes[0]}none`, this.patience.appendTry));
    return look();
  }

  /** As `batchAfter`, tried again until it is there; null when told to stop. */
  private async batchInTheEnd(after: Position | null, stop: AbortSignal): Promise<EventBatch | null> {
    for (let failures = 0; !stop.aborted; failures += 1) {
      try {
        return await this.reading(() => this.batchAfter(after, FOLLOW_BATCH));
      } catch (error) {
        if (!(error instanceof UnavailableError) || error.cause instanceof LogEndsBeforeError) throw error;
        if (failures === 0 && !stop.aborted) this.onTrouble(error);
        await sleep(pauseAfter(failures), undefined, { signal: stop }).catch(() => undefined);
      }
    }
    return null;
  }

  private reading<Result>(read: () => Promise<Result>): Promise<Result> {
    return this.patiently(this.patience.read, 'it cannot be read from', read);
  }

  private patiently<Result>(forMs: number, what: string, attempt: (leftMs: number) => Promise<Result>): Promise<Result> {
    return patiently(forMs, what, async (leftMs) => {
      if (this.closing.signal.aborted) throw new UnavailableError('the event log was closed');
      return attempt(leftMs);
    });
  }

  private knows(position: LogPosition): void {
    if (this.furthest === null || comparePositions(position, this.furthest) > 0) this.furthest = position;
  }
}

/** The start, and a checkpoint that names where the next event will be rather than the last that was seen. */
function mayBePastTheEnd({ prepare }: LogPosition): boolean {
  return prepare === 0n;
}

/**
 * Whether a read from `position`, where something was found before, finds it, or what came after it. If
 * nothing is there, the log was put back to an earlier state: going on would pass over what is written next.
 */
const isFound = (position: LogPosition) => (events: readonly unknown[]) => events.length > 0 || mayBePastTheEnd(position);

const endsBefore = (position: LogPosition) =>
  new LogEndsBeforeError(`the log ends before position ${encodePosition(position)}, which was read from it; was it restored from a backup?`);

/** @throws TypeError for what JSON cannot say: the client would fail outside every try */
function checkSize(events: readonly NewStoredEvent[]): void {
  let bytes = 0;
  for (const { type, data, metadata } of events) bytes += 2 * type.length + Buffer.byteLength(JSON.stringify(data)) + Buffer.byteLength(JSON.stringify(metadata));
  if (bytes > MAX_APPEND_BYTES) throw new AppendTooLargeError(`an append of ${bytes} bytes; at most ${MAX_APPEND_BYTES} are possible`);
}
