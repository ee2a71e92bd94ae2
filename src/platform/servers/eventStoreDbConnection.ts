// The one client of EventStoreDB in this process. Each of its calls is bounded in time, and each
// of its streams is let go of, however it ends: the client does neither by itself.

import {
  BACKWARDS,
  END,
  jsonEvent,
  NO_STREAM,
  START,
  streamNameFilter,
  type AllStreamRecordedEvent,
  type AppendResult,
  type EventStoreDBClient,
  type ReadPosition,
  type RecordedEvent,
} from '@eventstore/db-client';
import type { ExpectedRevision, NewStoredEvent } from '../../ports/eventLog.js';
import { isNotFound, isTombstoned, isWrongVersion, TooSlowError } from './eventStoreDbErrors.js';
import { comparePositions, LOG_START, type LogPosition } from './eventStoreDbPositions.js';
import { clientFor } from './eventStoreDbUrl.js';

/** How much longer than its deadline, which the server keeps, a call is waited for, in ms. */
const GRACE_MS = 500;
/** A checkpoint comes after 32 (the server's window) times so many events that nobody asked for. */
const CHECKPOINT_INTERVAL = 32;

/** What a subscription gives, in order: an event, or how far it looked without finding one. */
export type Followed = { event: AllStreamRecordedEvent } | { checkpoint: LogPosition };

/** What the client's streams for reading have in common. */
type Stream<Item> = AsyncIterable<Item> & {
  on(name: 'error', listener: (error: Error) => void): unknown;
  destroy(error?: Error): unknown;
};

const ignore = () => undefined;

export class EventStoreDbConnection {
  private readonly client: EventStoreDBClient;
  private readonly reads = new Set<Stream<unknown>>();
  /** Whether the server ever answered. */
  private answered = false;

  /**
   * `url` is a connection string of the client: hosts, discovery, TLS and credentials are its
   * part. Connects at the first call. A read that gives nothing for `stalledAfterMs` fails.
   * @throws BadConnectionStringError
   */
  constructor(
    url: string,
    private readonly stalledAfterMs: number,
  ) {
    this.client = clientFor(url);
    // Appends are calls of their own then. The client's other way sends them over one stream: what
    // cuts it rejects all of them, some outside every try, and a late answer ends the process.
    this.client['supports'] = async () => false;
  }

  /** One try of an append, which fails after `deadlineMs`, done or not. */
  async append(stream: string, expected: ExpectedRevision, events: readonly NewStoredEvent[], deadlineMs: number): Promise<AppendResult> {
    const expectedRevision = expected === 'none' ? NO_STREAM : BigInt(expected);
    const proposed = events.map(({ id, type, data, metadata }) => jsonEvent({ id, type, data, metadata }));
    const call = this.client.appendToStream(stream, proposed, { expectedRevision, deadline: deadlineMs, requiresLeader: true });
    const result = await within(deadlineMs + GRACE_MS, call);
    this.answered = true;
    return result;
  }

  /**
   * Returns when the server knows all that was ever acknowledged. One that comes back from a crash, or
   * takes over from another, answers reads before it has indexed all of its log, and writes only
   * afterwards: here one of nothing, to a `stream` of ours, which it refuses.
   */
  async untilItKnowsAll(stream: string, deadlineMs: number): Promise<void> {
    try {
      await this.append(stream, Number.MAX_SAFE_INTEGER, [], deadlineMs);
    } catch (error) {
      if (!isWrongVersion(error) && !isTombstoned(error)) throw error;
    }
  }

  /** Up to `count` events of `stream` from a revision on; none when there is no such stream. */
  async readStream(stream: string, fromRevision: number, count: number): Promise<RecordedEvent[]> {
    const read = this.client.readStream(stream, { fromRevision: BigInt(fromRevision), maxCount: count, requiresLeader: true });
    return this.eventsOfStream(read, () => read.cancel());
  }

  /** The last event of `stream`. */
  async readLast(stream: string): Promise<RecordedEvent | undefined> {
    const read = this.client.readStream(stream, { fromRevision: END, direction: BACKWARDS, maxCount: 1, requiresLeader: true });
    return (await this.eventsOfStream(read, () => read.cancel()))[0];
  }

  /** Up to `count` events of $all, everybody's, from a position on, the event there included. */
  async readAll(from: LogPosition, count: number): Promise<AllStreamRecordedEvent[]> {
    const read = this.client.readAll({ fromPosition: readPosition(from), maxCount: count, requiresLeader: true });
    return (await this.collect(read, () => read.cancel())).flatMap(({ event }) => event ?? []);
  }

  /** Up to `count` events of $all before a position, the newest first. */
  async readBackwards(before: LogPosition | 'end', count: number): Promise<AllStreamRecordedEvent[]> {
    const fromPosition = before === 'end' ? END : readPosition(before);
    const read = this.client.readAll({ fromPosition, direction: BACKWARDS, maxCount: count, requiresLeader: true });
    return (await this.collect(read, () => read.cancel())).flatMap(({ event }) => event ?? []);
  }

  /**
   * The events after `after`, which must be the position of an event, of streams whose names begin
   * with one of `prefixes`, until it breaks or `signal` aborts: either throws.
   */
  async *follow(after: LogPosition, prefixes: readonly string[], signal: AbortSignal): AsyncIterable<Followed> {
    // Whoever waits to be told would not be told again.
    signal.throwIfAborted();
    const filter = streamNameFilter({
      prefixes: [...prefixes],
      checkpointInterval: CHECKPOINT_INTERVAL,
      // Put among the events, to be met after those it follows: this runs ahead of the loop below. It
      // may name an event that reads of $all leave out, as the server's own at an election: just before
      // it, which a prepare position of 0 says, is a place that is not expected to hold one.
      checkpointReached: (subscription, { commit }) => void subscription.push({ checkpoint: { commit, prepare: 0n } }),
    });
    const subscription = this.client.subscribeToAll({ fromPosition: readPosition(after), filter, requiresLeader: true });
    subscription.on('error', ignore);
    const stop = () => subscription.destroy(new Error('stopped'));
    signal.addEventListener('abort', stop, { once: true });
    try {
      for await (const item of subscription as AsyncIterable<{ event?: AllStreamRecordedEvent } | { checkpoint: LogPosition }>) {
        if ('checkpoint' in item) yield item;
        else if (item.event !== undefined) yield { event: item.event };
      }
    } finally {
      signal.removeEventListener('abort', stop);
      subscription.unsubscribe().catch(ignore);
    }
  }

  private async eventsOfStream(read: Stream<{ event?: RecordedEvent }>, cancel: () => Promise<void>): Promise<RecordedEvent[]> {
    try {
      return (await this.collect(read, cancel)).flatMap(({ event }) => event ?? []);
    } catch (error) {
      if (isNotFound(error) || isTombstoned(error)) return [];
      throw error;
    }
  }

  /** All that a bounded read gives. @throws TooSlowError when it gives nothing for too long */
  private async collect<Item>(read: Stream<Item>, cancel: () => Promise<void>): Promise<Item[]> {
    const items: Item[] = [];
    let seen = -1;
    const watch = setInterval(() => {
      if (items.length === seen) read.destroy(new TooSlowError('a read from EventStoreDB stalled'));
      seen = items.length;
    }, this.stalledAfterMs / 2);
    read.on('error', ignore);
    this.reads.add(read);
    let whole = false;
    try {
      for await (const item of read) items.push(item);
      this.answered = whole = true;
    } finally {
      clearInterval(watch);
      this.reads.delete(read);
      if (!whole) cancel().catch(ignore);
    }
    return items;
  }

  /** Ends every read and subscription under way and closes the connection. */
  async close(): Promise<void> {
    // The client says nothing to whoever waits for a read that it cancels.
    for (const read of this.reads) read.destroy(new Error('the connection was closed'));
    await this.client.dispose();
    // Where there is no connection to close, the client would look for a server first.
    if (this.answered) await within(GRACE_MS, this.client['getChannel']()).then((channel) => channel.close(), ignore);
  }
}

const readPosition = (position: LogPosition): ReadPosition => (comparePositions(position, LOG_START) === 0 ? START : position);

/** What `call` gives, if it does in time. Its failure afterwards concerns nobody. */
async function within<Result>(ms: number, call: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TooSlowError('EventStoreDB did not answer in time')), ms);
  });
  try {
    return await Promise.race([call, late]);
  } finally {
    clearTimeout(timer);
    call.catch(ignore);
  }
}
