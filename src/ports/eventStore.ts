// The event store as the rest of the service sees it: typed events in their newest form, personal
// data decrypted. What is written is visible in the read models when `commit` returns.

import type { EventMetadata, Recorded } from '../domain/events/metadata.js';
import type { DomainEvent } from '../domain/events/registry.js';
import type { AppendResult, ExpectedRevision, Position, StoredEvent } from './eventLog.js';

/** An event to commit: decided, with the id and metadata it is to have. */
export type NewEvent = DomainEvent & { id: string; metadata: EventMetadata };

export type RecordedEvent = Recorded<DomainEvent>;

/** A new event as it stands in the log. Named one by one: spreading it into a larger object takes a hundred times as long. */
export function recordedAs({ type, data, id, metadata }: NewEvent, { stream, revision, position }: Pick<StoredEvent, 'stream' | 'revision' | 'position'>): RecordedEvent {
  return { type, data, id, stream, revision, position, metadata } as RecordedEvent;
}

export interface RecordedBatch {
  events: RecordedEvent[];
  position: Position;
  caughtUp: boolean;
}

/** One append of several. */
export interface NewAppend {
  stream: string;
  expected: ExpectedRevision;
  events: readonly NewEvent[];
}

export interface EventStore {
  /**
   * Appends `events` (at least one) to `stream`, all or none, durably, and waits until every read
   * model shows them. As idempotent as the log's append.
   * @throws UnavailableError when it cannot be told whether they were stored, or they are not visible in time
   */
  commit(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<AppendResult>;

  /**
   * As so many commits at once: each append has its own guard and its own outcome, in their order.
   * @throws UnavailableError when it cannot be told whether they were stored, or which
   */
  commitMany(appends: readonly NewAppend[]): Promise<AppendResult[]>;

  /** The events of `stream` from `fromRevision` on, without those that an operator had skipped. @throws UnreadableEventError */
  read(stream: string, fromRevision: number): AsyncIterable<RecordedEvent[]>;

  /**
   * Where an append to `stream` goes on whose last event that is read has `revision` (-1: none is):
   * there, or at the last of the events after it that an operator had skipped.
   */
  endAfter(stream: string, revision: number): number;

  /** The last event of `stream` that no operator had skipped; null when there is none. @throws UnreadableEventError */
  last(stream: string): Promise<RecordedEvent | null>;

  /** Stored events, as a log gives them, decrypted and in their newest form. @throws UnreadableEventError */
  open(events: readonly StoredEvent[]): Promise<RecordedEvent[]>;

  /** As `open`, for passing many on: those written in the newest form are not checked against their schemas again. */
  openWritten(events: readonly StoredEvent[]): Promise<RecordedEvent[]>;

  /** As the log's `subscribe`. A batch with an event that cannot be read ends the subscription with UnreadableEventError. */
  subscribe(after: Position | null, signal: AbortSignal): AsyncIterable<RecordedBatch>;
}
