// The event store over any log: seals what is committed, opens what is read.

import type { KeyObject } from 'node:crypto';
import { readEvent, readWrittenEvent, UnreadableEventError, upcasters, type Upcasters } from '../domain/events/registry.js';
import type { AppendResult, EventBatch, EventLog, ExpectedRevision, Position, StoredEvent } from '../ports/eventLog.js';
import type { Commit } from '../ports/commit.js';
import type { EventStore, NewAppend, NewEvent, RecordedBatch, RecordedEvent } from '../ports/eventStore.js';
import { keySubjectOf, type KeyStore, type KeySubject, type StoredKey } from '../ports/keyStore.js';
import { needsKey, seal, splitEvent, unseal } from './sealing.js';

/** What operators had skipped. */
export interface SkippedEvents {
  has(event: { stream: string; revision: number }): boolean;
  /** Looks for what others have recorded meanwhile. @throws UnavailableError */
  refresh(): Promise<void>;
  /** That an event could not be read. */
  unreadable(event: StoredEvent): void;
}

const nothingSkipped: SkippedEvents = { has: () => false, refresh: async () => undefined, unreadable: () => undefined };

export class SealedEventStore implements EventStore {
  /** `known` brings older forms of events to the newest. */
  constructor(
    private readonly log: EventLog,
    private readonly keys: KeyStore,
    private readonly commitSealed: Commit,
    private readonly known: Upcasters = upcasters,
    private readonly skipped: SkippedEvents = nothingSkipped,
  ) {}

  async commit(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<AppendResult> {
    const split = events.map(splitEvent);
    const key = needsKey(split) ? (await this.keysFor([{ stream, expected, events }])).get(stream) : undefined;
    return this.commitSealed(stream, expected, split.map((event) => seal(event, key ?? null)), events);
  }

  async commitMany(appends: readonly NewAppend[]): Promise<AppendResult[]> {
    const split = appends.map((append) => ({ ...append, split: append.events.map(splitEvent) }));
    const keys = await this.keysFor(split.filter((append) => needsKey(append.split)));
    return Promise.all(
      split.map(({ stream, expected, events, split: parts }) => {
        const key = keys.get(stream) ?? null;
        return this.commitSealed(stream, expected, parts.map((event) => seal(event, key)), events);
      }),
    );
  }

  async *read(stream: string, fromRevision: number): AsyncIterable<RecordedEvent[]> {
    for await (const events of this.log.read(stream, fromRevision)) {
      const read = await this.openUnskipped(async () => events.filter((event) => !this.skipped.has(event)));
      if (read.length > 0) yield read;
    }
  }

  endAfter(stream: string, revision: number): number {
    let end = revision;
    while (this.skipped.has({ stream, revision: end + 1 })) end += 1;
    return end;
  }

  async last(stream: string): Promise<RecordedEvent | null> {
    const [last] = await this.openUnskipped(async () => {
      let event = await this.log.last(stream);
      while (event !== null && this.skipped.has(event)) event = await this.before(event);
      return event === null ? [] : [event];
    });
    return last ?? null;
  }

  async open(events: readonly StoredEvent[]): Promise<RecordedEvent[]> {
    const keyOf = await this.keysOf(events);
    return events.map((event) => this.unsealed(event, keyOf, readEvent));
  }

  async openWritten(events: readonly StoredEvent[]): Promise<RecordedEvent[]> {
    const keyOf = await this.keysOf(events);
    return events.map((event) => this.unsealed(event, keyOf, readWrittenEvent));
  }

  async *subscribe(after: Position | null, signal: AbortSignal): AsyncIterable<RecordedBatch> {
    for await (const batch of this.log.subscribe(after, signal)) yield await this.openBatch(batch);
  }

  /** What `find` finds, opened; found again when it cannot be read: another copy of the service may have been told to go past it. */
  private async openUnskipped(find: () => Promise<StoredEvent[]>): Promise<RecordedEvent[]> {
    try {
      return await this.open(await find());
    } catch (error) {
      if (!(error instanceof UnreadableEventError)) throw error;
      await this.skipped.refresh();
      return this.open(await find());
    }
  }

  /** The event before one in its stream. */
  private async before({ stream, revision }: StoredEvent): Promise<StoredEvent | null> {
    if (revision === 0) return null;
    for await (const [event] of this.log.read(stream, revision - 1)) return event ?? null;
    return null;
  }

  private unsealed(event: StoredEvent, keyOf: ReadonlyMap<string, StoredKey>, read: typeof readEvent): RecordedEvent {
    try {
      return unseal(event, keyOf.get(event.stream) ?? null, this.known, read);
    } catch (error) {
      if (error instanceof UnreadableEventError) this.skipped.unreadable(event);
      throw error;
    }
  }

  /** The keys of those of the streams whose events are sealed; a stream that is to begin is expected to have none. */
  private async keysFor(appends: readonly NewAppend[]): Promise<Map<string, KeyObject>> {
    const subjects = new Map<string, KeySubject>();
    for (const { stream } of appends) {
      const subject = keySubjectOf(stream);
      if (subject !== null) subjects.set(stream, subject);
    }
    if (subjects.size === 0) return new Map();
    const areNew = appends.every(({ expected }) => expected === 'none');
    const keys = await this.keys.obtainMany([...subjects.values()], areNew ? 'new' : undefined);
    return new Map([...subjects.keys()].map((stream, index) => [stream, keys[index] as KeyObject]));
  }

  private async openBatch({ events, position, caughtUp }: EventBatch): Promise<RecordedBatch> {
    return { events: await this.open(events), position, caughtUp };
  }

  private async keysOf(events: readonly StoredEvent[]): Promise<Map<string, StoredKey>> {
    const subjects = new Map<string, KeySubject>();
    for (const { stream, data } of events) {
      if (data.personal === undefined || subjects.has(stream)) continue;
      const subject = keySubjectOf(stream);
      if (subject !== null) subjects.set(stream, subject);
    }
    if (subjects.size === 0) return new Map();
    const keys = await this.keys.find([...subjects.values()]);
    return new Map([...subjects.keys()].map((stream, index) => [stream, keys[index] ?? { state: 'missing' }]));
  }
}
