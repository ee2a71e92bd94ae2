// The side of the read models that projecting uses.

import type { Position } from '../../ports/eventLog.js';
import type { Change, DocumentSubject, ProjectionName, Versioned } from '../../ports/projection.js';
import type { Generation, ProjectionStore, StoredDocument } from '../../ports/readStore.js';
import { reading } from './database.js';
import type { SqliteDocuments } from './documents.js';
import type { Dropper } from './dropper.js';
import type { SqliteGenerations } from './generations.js';
import type { GroupCommit } from './groupCommit.js';

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
