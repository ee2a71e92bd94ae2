// The log inside the double: what EventStoreDB 23.10 decides about an append and gives for a read.
// "server" below cites its source (EventStore/EventStore, tag oss-v23.10.6, src/EventStore.Core),
// "notes" the observations that the adapter was written from.

import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';

/** A place in $all. */
export interface LogPosition {
  commit: bigint;
  prepare: bigint;
}

export interface Proposed {
  id: string;
  type: string;
  contentType: string;
  data: Uint8Array;
  metadata: Uint8Array;
}

export interface Record extends Proposed, LogPosition {
  stream: string;
  revision: number | bigint;
  created: number;
}

export type Expected = number | 'any' | 'no_stream' | 'stream_exists';

export type Decision =
  | { outcome: 'appended'; revision: number | bigint; position: LogPosition }
  /** `current` is -1 for no stream. */
  | { outcome: 'wrong-expected-version'; current: number }
  | { outcome: 'stream-deleted' };

export interface Page {
  records: Record[];
  /** How many were looked at, those left out by a filter among them. */
  considered: number;
  current: LogPosition;
  next: LogPosition;
  end: boolean;
}

export const START: LogPosition = { commit: 0n, prepare: 0n };

/** server: StorageWriterService.cs, WriteDelete: a stream that is deleted for good ends in an event of the server's, which $all gives. */
const TOMBSTONE_REVISION = 2n ** 63n - 1n;
const tombstone = (): Proposed => ({ id: randomUUID(), type: '$streamDeleted', contentType: 'application/octet-stream', data: Buffer.alloc(0), metadata: Buffer.alloc(0) });

/** What a record takes in the log besides its data. */
const OVERHEAD = 90;

/** server: Services/Storage/ReaderIndex/EventFilter.cs, DefaultAllFilter: what $all does not give to who reads it without a filter. */
export function isShownInAll({ stream }: Pick<Record, 'stream'>): boolean {
  return stream !== '$epoch-information' && !/^\$persistentsubscription-\$all::.+-(?:checkpoint|parked)$/.test(stream);
}

export function comparePositions(a: LogPosition, b: LogPosition): number {
  if (a.commit !== b.commit) return a.commit < b.commit ? -1 : 1;
  if (a.prepare !== b.prepare) return a.prepare < b.prepare ? -1 : 1;
  return 0;
}

interface Stream {
  records: Record[];
  deleted: 'no' | 'soft' | 'hard';
  /** Records before this index are gone since a soft deletion. */
  from: number;
}

export class DoubleLog {
  private records: Record[] = [];
  private readonly streams = new Map<string, Stream>();
  private readonly ids = new Map<string, Record>();
  private end = 0n;
  private scavenged = false;
  private unindexed: Record[] = [];
  /** Emits 'record' for each record, in order. */
  readonly appended = new EventEmitter().setMaxListeners(0);

  constructor() {
    // A server has events of its own before anybody appends one; the first lies at position 0.
    this.foreign('$epoch-information', '$epoch-information');
    this.foreign('$users', '$UserCreated');
    this.foreign('$settings', '$settings');
  }

  /** An event that is nobody's of ours, as a server writes its statistics. */
  foreign(stream = '$stats-0.0.0.0:2113', type = '$statsCollected'): void {
    const id = `00000000-0000-4000-8000-${this.end.toString(16).padStart(12, '0')}`;
    this.store(stream, [{ id, type, contentType: 'application/json', data: Buffer.from('{"foreign":true}'), metadata: Buffer.alloc(0) }]);
  }

  /** server: Services/Storage/ReaderIndex/IndexWriter.cs, CheckCommit. */
  append(stream: string, expected: Expected, events: readonly Proposed[]): Decision {
    const known = this.streams.get(stream);
    if (known?.deleted === 'hard') return { outcome: 'stream-deleted' };
    const current = (known?.records.length ?? 0) - 1;
    if (expected === 'stream_exists') {
      if (known?.deleted === 'soft') return { outcome: 'stream-deleted' };
      return current < 0 ? { outcome: 'wrong-expected-version', current } : this.store(stream, events);
    }
    if (expected === 'any') {
      const first = this.ids.get(events[0]?.id ?? '');
      return this.repeated(known, first?.stream === stream ? first.revision : -1, events) ?? this.store(stream, events);
    }
    const revision = expected === 'no_stream' ? -1 : expected;
    if (revision === current) return this.store(stream, events);
    if (revision < current) {
      const repeated = this.repeated(known, revision + 1, events);
      if (repeated !== null) return repeated;
      if (revision === -1 && known?.deleted === 'soft') return this.store(stream, events);
    }
    return { outcome: 'wrong-expected-version', current };
  }

  /** The answer to an append that was made before: every id in its place; null when it was not. */
  private repeated(stream: Stream | undefined, first: number | bigint, events: readonly Proposed[]): Decision | null {
    if (stream === undefined || first < 0 || events.length === 0) return null;
    const begin = Number(first);
    if (!events.every(({ id }, index) => stream.records[begin + index]?.id === id)) return null;
    const last = stream.records[begin + events.length - 1] as Record;
    return { outcome: 'appended', revision: last.revision, position: { commit: last.commit, prepare: last.prepare } };
  }

  private store(name: string, events: readonly Proposed[]): Decision {
    const stream = this.streams.get(name) ?? { records: [], deleted: 'no', from: 0 };
    this.streams.set(name, stream);
    stream.deleted = 'no';
    const stored = events.map((event): Record => {
      const record = this.write(name, stream.records.length, event);
      stream.records.push(record);
      this.ids.set(record.id, record);
      return record;
    });
    for (const record of stored) this.appended.emit('record', record);
    const last = stored.at(-1) as Record;
    return { outcome: 'appended', revision: last.revision, position: { commit: last.commit, prepare: last.prepare } };
  }

  private write(stream: string, revision: number | bigint, event: Proposed): Record {
    const at = this.end;
    this.end += BigInt(OVERHEAD + stream.length + event.data.length + event.metadata.length);
    const record = { ...event, stream, revision, commit: at, prepare: at, created: Date.now() };
    this.records.push(record);
    return record;
  }

  /** Deletes a stream; a soft one begins anew where it ended. False when it is not as expected. */
  delete(name: string, how: 'soft' | 'hard'): boolean {
    const stream = this.streams.get(name);
    if (stream === undefined) return false;
    stream.deleted = how;
    stream.from = stream.records.length;
    if (how === 'hard') this.appended.emit('record', this.write(name, TOMBSTONE_REVISION, tombstone()));
    return true;
  }

  /** What a read of a stream meets: nothing of that name (or softly deleted), a tombstone, or its records. */
  stream(name: string): 'not-found' | 'deleted' | Record[] {
    const stream = this.streams.get(name);
    if (stream?.deleted === 'hard') return 'deleted';
    if (stream === undefined || stream.deleted === 'soft') return 'not-found';
    if (this.isBehind) return stream.records.slice(stream.from).filter((record) => !this.unindexed.includes(record));
    return stream.from === 0 ? stream.records : stream.records.slice(stream.from);
  }

  /** The last record of $all. */
  last(): Record | undefined {
    return this.records.at(-1);
  }

  /**
   * Records from `from` on, it included, that `matches` lets through.
   * server: Services/Storage/ReaderIndex/AllReader.cs, ReadAllEventsForwardInternal: the next
   * position is that behind the last record looked at, with 0 for its prepare position.
   */
  page(from: LogPosition, count: number, window = Infinity, matches: (record: Record) => boolean = () => true): Page {
    const page: Page = { records: [], considered: 0, current: from, next: from, end: false };
    for (let index = this.indexFrom(from); page.records.length < count && page.considered < window; index += 1) {
      const record = this.records[index];
      if (record === undefined) {
        page.end = true;
        break;
      }
      page.considered += 1;
      if (matches(record)) page.records.push(record);
      page.next = { commit: this.records[index + 1]?.commit ?? this.end, prepare: 0n };
    }
    return page;
  }

  /** Records backwards from the end, as who reads $all without a filter is given them. */
  backwards(count: number): Record[] {
    return this.records.filter(isShownInAll).slice(-count).reverse();
  }

  /** Records before `from`, backwards. */
  backwardsFrom(from: LogPosition, count: number): Record[] {
    const before = this.records.slice(0, this.indexFrom(from)).filter(isShownInAll);
    return before.slice(-count).reverse();
  }

  /**
   * server: AllReader.cs, Reposition: a read begins where a record begins, at the start or behind
   * the end; anywhere else it meets bytes that are no record. A scavenged chunk maps what is gone.
   */
  isReadable({ commit, prepare }: LogPosition): boolean {
    if (prepare > commit) return false;
    const record = this.records[this.indexFrom({ commit, prepare: 0n })];
    return record === undefined || record.commit === commit || this.scavenged;
  }

  /** Removes records for good, as a scavenge does with those past their age; their positions are gone. */
  scavenge(isGone: (record: Record) => boolean): void {
    const last = this.last();
    this.scavenged = true;
    this.records = this.records.filter((record) => record === last || !isGone(record));
  }

  /** Loses the newest records, as a log does that was restored from an older backup. */
  forgetAfter(position: LogPosition): void {
    this.records = this.records.filter((record) => comparePositions(record, position) <= 0);
  }

  /**
   * Reads find nothing after `position` until `index` is called, and nothing is taken meanwhile. server:
   * ClusterVNodeController.cs, CreateFSM: a node that is about to lead (PreLeader) answers reads, those that
   * require the leader too, and refuses writes; InaugurationManager.cs: it leads once its index reaches the
   * end of its log, which it did not where it was killed (StorageChaser.cs) or did not lead before.
   */
  fallBehind(position: LogPosition): void {
    this.unindexed = this.records.filter((record) => comparePositions(record, position) > 0);
    this.forgetAfter(position);
  }

  /** The index reaches the end of the log again. server: IndexCommitter.cs, Commit: that is when subscriptions are told. */
  index(): void {
    const late = this.unindexed;
    this.unindexed = [];
    this.records.push(...late);
    for (const record of late) this.appended.emit('record', record);
  }

  get isBehind(): boolean {
    return this.unindexed.length > 0;
  }

  private indexFrom(from: LogPosition): number {
    let [low, high] = [0, this.records.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (comparePositions(this.records[middle] as Record, from) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
