// The event log in SQLite: one table, in the order of appending.

import { EventEmitter, once } from 'node:events';
import type {
  AppendResult,
  EventBatch,
  EventLog,
  ExpectedRevision,
  NewStoredEvent,
  Position,
  StoredEvent,
} from '../../ports/eventLog.js';
import type { ChainedEvent } from '../../ports/chainStore.js';
import { reading, type Database } from './database.js';
import type { GroupCommit, Participant } from './groupCommit.js';
import { TakenError, type ReadyEvent } from './madeAppends.js';

const READ_BATCH = 500;
/** How many of the newest events are kept in memory, for subscribers that have caught up. */
const TAIL_EVENTS = 2_000;

export interface EventRow {
  position: number;
  stream: string;
  revision: number;
  id: string;
  type: string;
  data: string;
  metadata: string;
}

export const EVENT_COLUMNS = 'position, stream, revision, id, type, data, metadata';

const INSERT_EVENT = `INSERT INTO events (${EVENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (stream, revision) DO NOTHING`;

export class SqliteEventLog implements EventLog, Participant {
  private lastPosition: number | null = null;
  private readonly grown = new EventEmitter().setMaxListeners(0);
  private appended: ChainedEvent[] = [];
  private tail: StoredEvent[] = [];

  constructor(
    private readonly database: Database,
    private readonly writes: GroupCommit,
  ) {
    writes.join(this);
  }

  async append(stream: string, expected: ExpectedRevision, events: readonly NewStoredEvent[]): Promise<AppendResult> {
    return this.writes.runUnguarded(() => this.appendNow(stream, expected, events));
  }

  /**
   * `append` within a group, that leaves nothing behind when it throws. `prepare` is given what was
   * stored by it (not what was before) and can refuse it by throwing.
   */
  appendNow(
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewStoredEvent[],
    prepare: (stored: readonly StoredEvent[]) => void = () => undefined,
  ): AppendResult {
    const revision = expected === 'none' ? -1 : expected;
    const before = this.headNow();
    let position = before;
    const stored = events.map((event, index): StoredEvent => {
      position += 1;
      const { id, type, data, metadata } = event;
      return { id, type, data, metadata, stream, revision: revision + 1 + index, position: String(position) };
    });
    try {
      if (!this.insertAll(stored)) return this.sameAppend(stream, revision + 1, events) ?? { outcome: 'conflict' };
      prepare(stored);
    } catch (error) {
      this.database.run('DELETE FROM events WHERE position > ?', before);
      throw error;
    }
    this.lastPosition = position;
    this.appended.push(...stored);
    return { outcome: 'appended', revision: revision + events.length, position: String(position) };
  }

  /**
   * Appends events of new streams that were made ready, within a guarded write of a group; `prepare` is
   * told after which position and up to which, and can refuse them by throwing.
   * @throws TakenError when one of the streams is there already
   */
  appendReadyNow(events: readonly ReadyEvent[], prepare: (before: number, to: Position) => void): void {
    const before = this.headNow();
    const placed = events.map(({ data, ...event }, index) => {
      const one = { ...event, position: String(before + 1 + index) };
      if (this.insertRow(one, data, JSON.stringify(event.metadata)) === 0) throw new TakenError(`${event.stream} is there already`);
      return one;
    });
    prepare(before, String(before + events.length));
    this.lastPosition = before + events.length;
    this.appended.push(...placed);
  }

  async *read(stream: string, fromRevision: number): AsyncIterable<StoredEvent[]> {
    let from = fromRevision;
    for (;;) {
      const events = await reading(() => this.rowsOf(stream, from, READ_BATCH).map(toEvent));
      if (events.length > 0) yield events;
      if (events.length < READ_BATCH) return;
      from += events.length;
    }
  }

  async last(stream: string): Promise<StoredEvent | null> {
    const row = await reading(() => this.lastRow(stream));
    return row === undefined ? null : toEvent(row);
  }

  async readAll(after: Position | null, limit: number): Promise<EventBatch> {
    const from = after === null ? 0 : Number(after);
    return toBatch(await reading(() => this.rowsAfter(from, limit).map(toEvent)), from, limit);
  }

  async *subscribe(after: Position | null, signal: AbortSignal): AsyncIterable<EventBatch> {
    let position = after;
    let caughtUp = false;
    // One wait at a time: batches on the way to the end leave none behind.
    let more: Promise<void> | undefined;
    while (!signal.aborted) {
      more ??= once(this.grown, 'commit', { signal }).then(
        () => void (more = undefined),
        () => undefined,
      );
      const batch = this.fromTail(Number(position ?? 0)) ?? (await this.readAll(position, READ_BATCH));
      if (batch.events.length > 0 || (batch.caughtUp && !caughtUp)) yield batch;
      ({ position, caughtUp } = batch);
      if (caughtUp && batch.events.length === 0) await more;
    }
  }

  async head(): Promise<Position | null> {
    const head = await reading(() => this.headNow());
    return head === 0 ? null : String(head);
  }

  count(from: Position | null, to: Position | null): number {
    return Number(to ?? 0) - Number(from ?? 0);
  }

  async reaches(position: Position): Promise<boolean> {
    return this.compare(position, await this.head()) <= 0;
  }

  compare(a: Position | null, b: Position | null): number {
    return numberOf(a) - numberOf(b);
  }

  /** The position of the last event, those of the running group among them; 0 when there is none. */
  headNow(): number {
    this.lastPosition ??= this.database.get<{ head: number }>('SELECT coalesce(max(position), 0) AS head FROM events')?.head ?? 0;
    return this.lastPosition;
  }

  /** What the running group has appended. */
  running(): readonly ChainedEvent[] {
    return this.appended;
  }

  committed(): void {
    if (this.appended.length === 0) return;
    // The tail has no gaps: it begins anew after what is not in memory as it is read.
    const readable = this.appended.filter((event) => 'data' in event);
    if (readable.length < this.appended.length) this.tail = [];
    else this.tail.push(...readable);
    if (this.tail.length > 2 * TAIL_EVENTS) this.tail = this.tail.slice(-TAIL_EVENTS);
    this.appended = [];
    this.grown.emit('commit');
  }

  failed(): void {
    this.appended = [];
    this.tail = [];
    this.lastPosition = null;
  }

  /** The append that was made before with the very same events, if there was one. */
  private sameAppend(stream: string, from: number, events: readonly NewStoredEvent[]): AppendResult | undefined {
    const rows = this.rowsOf(stream, from, events.length);
    const same = rows.length === events.length && rows.every((row, index) => row.id === events[index]?.id);
    const last = rows.at(-1);
    if (!same || last === undefined) return undefined;
    return { outcome: 'appended', revision: last.revision, position: String(last.position) };
  }

  /** Inserts events that follow on what their stream holds; returns false, and inserts none, when they do not. */
  private insertAll(events: readonly StoredEvent[]): boolean {
    const [first, ...others] = events;
    if (first === undefined) return true;
    if (first.revision > 0 && !this.holds(first.stream, first.revision - 1)) return false;
    // That nothing stands there yet, the unique index tells.
    if (this.insert(first) === 0) return false;
    for (const event of others) this.insert(event);
    return true;
  }

  private insert(event: StoredEvent): number {
    return this.insertRow(event, JSON.stringify(event.data), JSON.stringify(event.metadata));
  }

  private insertRow({ position, stream, revision, id, type }: Omit<StoredEvent, 'data' | 'metadata'>, data: string, metadata: string): number {
    return this.database.run(INSERT_EVENT, Number(position), stream, revision, id, type, data, metadata);
  }

  private holds(stream: string, revision: number): boolean {
    return this.database.get('SELECT 1 AS one FROM events WHERE stream = ? AND revision = ?', stream, revision) !== undefined;
  }

  private lastRow(stream: string): EventRow | undefined {
    return this.database.get(`SELECT ${EVENT_COLUMNS} FROM events WHERE stream = ? ORDER BY revision DESC LIMIT 1`, stream);
  }

  private rowsOf(stream: string, from: number, limit: number): EventRow[] {
    const sql = `SELECT ${EVENT_COLUMNS} FROM events WHERE stream = ? AND revision >= ? ORDER BY revision LIMIT ?`;
    return this.database.all(sql, stream, from, limit);
  }

  private rowsAfter(position: number, limit: number): EventRow[] {
    return this.database.all(`SELECT ${EVENT_COLUMNS} FROM events WHERE position > ? ORDER BY position LIMIT ?`, position, limit);
  }

  /** The events after `position` when all of them are in memory. Positions have no gaps. */
  private fromTail(position: number): EventBatch | undefined {
    const first = this.tail[0];
    if (first === undefined || position + 1 < Number(first.position)) return undefined;
    const start = position + 1 - Number(first.position);
    return toBatch(this.tail.slice(start, start + READ_BATCH), position, READ_BATCH);
  }
}

/** The event of a row. */
export function toEvent({ id, type, stream, revision, position, data, metadata }: EventRow): StoredEvent {
  // Named one by one: taking the rest of a row takes as long as parsing it.
  return { id, type, stream, revision, position: String(position), data: JSON.parse(data), metadata: JSON.parse(metadata) };
}

function toBatch(events: StoredEvent[], after: number, limit: number): EventBatch {
  return { events, position: events.at(-1)?.position ?? String(after), caughtUp: events.length < limit };
}

/** What another log's positions are made of is no number. */
const numberOf = (position: Position | null): number => Number(position ?? 0) || 0;
