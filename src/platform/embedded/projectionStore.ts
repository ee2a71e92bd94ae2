// The side of the read models that projecting uses, and projecting within the very transaction
// that appends the events.

import type { Position } from '../../ports/eventLog.js';
import type { RecordedEvent } from '../../ports/eventStore.js';
import type { Change, DocumentSubject, Projection, ProjectionName, Versioned } from '../../ports/projection.js';
import type { Generation, ProjectionStore, StoredDocument } from '../../ports/readStore.js';
import { reading } from './database.js';
import type { SqliteDocuments } from './documents.js';
import type { Dropper } from './dropper.js';
import type { SqliteGenerations } from './generations.js';
import type { GroupCommit, Participant } from './groupCommit.js';

/** What a batch of events makes of a projection's documents; `load` gives what stands for a subject. */
export type ChangesOf = (
  projection: Projection,
  events: readonly RecordedEvent[],
  load: (subject: DocumentSubject) => Versioned | null,
) => Change[];

export class SqliteProjectionStore implements ProjectionStore {
  constructor(
    private readonly writes: GroupCommit,
    private readonly generations: SqliteGenerations,
    private readonly tables: SqliteDocuments,
    private readonly dropper: Dropper,
  ) {}

  async live(projection: ProjectionName): Promise<Generation | null> {
    return reading(() => this.generations.live(projection));
  }

  async building(projection: ProjectionName): Promise<Generation | null> {
    return reading(() => this.generations.building(projection));
  }

  async build(projection: ProjectionName, version: number): Promise<Generation> {
    const built = await this.writes.run(() => this.generations.build(projection, version));
    this.dropper.start();
    return built;
  }

  async load(
    projection: ProjectionName,
    generation: number,
    subjects: readonly DocumentSubject[],
  ): Promise<(Versioned | null)[]> {
    return reading(() => subjects.map((subject) => this.tables.load(projection, generation, subject)));
  }

  async apply(
    projection: ProjectionName,
    generation: number,
    changes: readonly Change[],
    from: Position | null,
    to: Position,
  ): Promise<boolean> {
    return this.writes.run(() => this.applyNow(projection, generation, changes, from, to));
  }

  async switchTo(projection: ProjectionName, generation: number): Promise<boolean> {
    const switched = await this.writes.run(() => this.generations.switchTo(projection, generation));
    this.dropper.start();
    return switched;
  }

  async documents(
    projection: ProjectionName,
    generation: number,
    after: DocumentSubject | null,
    limit: number,
  ): Promise<StoredDocument[]> {
    return reading(() => {
      const inUse = this.generations.inUse(projection, generation);
      return inUse ? this.tables.stored(projection, generation, after, limit) : [];
    });
  }

  /** `apply` within a group. */
  applyNow(
    projection: ProjectionName,
    generation: number,
    changes: readonly Change[],
    from: Position | null,
    to: Position,
  ): boolean {
    if (!this.generations.advance(projection, generation, from, to)) return false;
    for (const change of changes) this.tables.apply(projection, generation, change);
    return true;
  }
}

/** Projects what a group appends within the group: with its events, or not at all. */
export class InlineProjector implements Participant {
  private pending: RecordedEvent[] = [];

  constructor(
    private readonly projections: readonly Projection[],
    private readonly store: SqliteProjectionStore,
    private readonly generations: SqliteGenerations,
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
      const live = this.generations.live(projection.name);
      if (live === null) continue;
      const load = (subject: DocumentSubject) => this.documents.load(projection.name, live.number, subject);
      this.store.applyNow(projection.name, live.number, this.changesOf(projection, events, load), from, last.position);
    }
  }

  committed(): void {
    this.pending = [];
  }

  failed(): void {
    this.pending = [];
  }
}
