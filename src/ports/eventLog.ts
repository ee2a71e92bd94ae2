// The event log: streams of stored events, appended with an expected revision, and read one by
// one or all in one order. It knows nothing of what the events mean; see eventStore.ts for that.

import type { EventMetadata } from '../domain/events/metadata.js';
import type { JsonObject } from '../domain/json.js';

/** A place in the order of all events. Opaque: kept as it came, compared only by the log. */
export type Position = string;

/** An event to append. Its id is the caller's, so that appending again is one append. */
export interface NewStoredEvent {
  id: string;
  type: string;
  data: JsonObject;
  metadata: EventMetadata;
}

export interface StoredEvent extends NewStoredEvent {
  stream: string;
  /** From 0, without gaps, within the stream. */
  revision: number;
  position: Position;
}

/** The revision of the stream's last event that an append relies on; 'none': the stream must not exist. */
export type ExpectedRevision = number | 'none';

export type AppendResult =
  /** `revision` and `position` are those of the last event appended. */
  | { outcome: 'appended'; revision: number; position: Position }
  /** The stream stands elsewhere; nothing was appended. */
  | { outcome: 'conflict' };

/** A run of events in order, up to `position`; events that were not asked for may have been passed over. */
export interface EventBatch {
  events: StoredEvent[];
  position: Position;
  /** Whether this was the end of the log at the time. */
  caughtUp: boolean;
}

export interface EventLog {
  /**
   * Appends `events` (at least one) to `stream`, all or none, durably. The same events appended
   * again with the same expectation are the same append, and answer as it did.
   * @throws UnavailableError when it cannot be told whether they were appended
   */
  append(stream: string, expected: ExpectedRevision, events: readonly NewStoredEvent[]): Promise<AppendResult>;

  /** The events of `stream` from `fromRevision` on, in order, in batches; none when it does not exist. */
  read(stream: string, fromRevision: number): AsyncIterable<StoredEvent[]>;

  /** The last event of `stream`; null when it does not exist. */
  last(stream: string): Promise<StoredEvent | null>;

  /** Up to `limit` events after `after` (null: from the first on), in the order of the log. */
  readAll(after: Position | null, limit: number): Promise<EventBatch>;

  /**
   * All events after `after` (null: from the first on) and then those to come, each once, in
   * order, until `signal` aborts. Each batch is taken before the next is made: a slow taker costs
   * no memory. The first batch that reaches the end, even one without events, is marked caught up.
   */
  subscribe(after: Position | null, signal: AbortSignal): AsyncIterable<EventBatch>;

  /** The position of the last event; null when there is none. */
  head(): Promise<Position | null>;

  /**
   * Whether the log goes as far as `position`, which was read from it. If not it has lost events
   * since, or is another log. (A position may lie behind the last event, see EventBatch.)
   */
  reaches(position: Position): Promise<boolean>;

  /** How many events lie after `from` up to `to`, or about how many; for showing progress. Null when it cannot be told. */
  count(from: Position | null, to: Position | null): number | null;

  /** Negative, zero or positive as `a` is before, at or after `b`; null, like a position of another log, is before the first event. */
  compare(a: Position | null, b: Position | null): number;
}
