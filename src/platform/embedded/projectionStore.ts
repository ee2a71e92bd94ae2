// The side of the read models that projecting uses, and projecting within the very transaction
// that appends the events.

import type { Position } from '../../ports/eventLog.js';
import type { RecordedEvent } from '../../ports/eventStore.js';
import type { Change, DocumentSubject, Projection, ProjectionName, Versioned } from '../../ports/projection.js';
import type { Checkpoint, ProjectionStore } from '../../ports/readStore.js';
import { reading, type Database } from './database.js';
import type { SqliteDocuments } from './documents.js';
import type { GroupCommit, Participant } from './groupCommit.js';

/** What a batch of events makes of a projection's documents; `load` gives what stands for a subject. */
export type ChangesOf = (
  projection: Projection,
  events: readonly RecordedEvent[],
  load: (subject: DocumentSubject) => Versioned | null,
) => Change[];

export class SqliteProjectionStore implements ProjectionStore {
  constructor(
    private readonly database: Database,
    private readonly writes: GroupCommit,
    private readonly documents: SqliteDocuments,
  ) {}

  async checkpoint(projection: ProjectionName): Promise<Checkpoint | null> {
    return reading(() => this.checkpointNow(projection));
  }

  async load(projection: ProjectionName, subjects: readonly DocumentSubject[]): Promise<(Versioned | null)[]> {
    return reading(() => subjects.map((subject) => this.documents.load(projection, subject)));
  }

  async apply(projection: ProjectionName, changes: readonly Change[], from: Position | null, to: Position): Promise<boolean> {
    return this.writes.run(() => this.applyNow(projection, changes, from, to));
  }

  async reset(projection: ProjectionName, version: number): Promise<void> {
    await this.writes.run(() => {
      this.documents.clear(projection);
      this.database.run('INSERT OR REPLACE INTO projections (name, version, position) VALUES (?, ?, 0)', projection, version);
    });
  }

  /** `apply` within a group. */
  applyNow(projection: ProjectionName, changes: readonly Change[], from: Position | null, to: Position): boolean {
    const sql = 'UPDATE projections SET position = ? WHERE name = ? AND position = ?';
    if (this.database.run(sql, Number(to), projection, Number(from ?? 0)) === 0) return false;
    for (const change of changes) this.documents.apply(projection, change);
    return true;
  }

  private checkpointNow(projection: ProjectionName): Checkpoint | null {
    const sql = 'SELECT version, position FROM projections WHERE name = ?';
    const row = this.database.get<{ version: number; position: number }>(sql, projection);
    if (row === undefined) return null;
    return { version: row.version, position: row.position === 0 ? null : String(row.position) };
  }
}

/** Projects what a group appends within the group: with its events, or not at all. */
export class InlineProjector implements Participant {
  private pending: RecordedEvent[] = [];

  constructor(
    private readonly projections: readonly Projection[],
    private readonly store: SqliteProjectionStore,
    private readonly documents: SqliteDocuments,
    private readonly changesOf: ChangesOf,
  ) {}

  /** That these events, in the order of the log, are part of the running group. */
  add(events: readonly RecordedEvent[]): void {
    this.pending.push(...events);
  }

  beforeCommit(): void {
    const events = this.pending;
    const first = events[0];
    const last = events.at(-1);
    if (first === undefined || last === undefined) return;
    const from = Number(first.position) === 1 ? null : String(Number(first.position) - 1);
    for (const projection of this.projections) {
      const load = (subject: DocumentSubject) => this.documents.load(projection.name, subject);
      this.store.applyNow(projection.name, this.changesOf(projection, events, load), from, last.position);
    }
  }

  committed(): void {
    this.pending = [];
  }

  failed(): void {
    this.pending = [];
  }
}
