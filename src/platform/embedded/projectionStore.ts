// The side of the read models that projecting uses.

import type { Position } from '../../ports/eventLog.js';
import type { Change, DocumentSubject, GenerationName, IndexEntry, ProjectionName, Versioned } from '../../ports/projection.js';
import type { Generation, ProjectionStore, Showing, StoredDocument } from '../../ports/readStore.js';
import { reading, type Database } from './database.js';
import type { NewDocument } from './newDocuments.js';
import { storedDocuments } from './documentWalk.js';
import type { SqliteDocuments } from './documents.js';
import type { SqliteEventEntries } from './eventEntries.js';
import type { Dropper } from './dropper.js';
import type { SqliteGenerations } from './generations.js';
import type { GroupCommit } from './groupCommit.js';

/** What events make of a projection's documents: new ones as rows, and the rest. */
interface Made {
  documents: readonly NewDocument[];
  changes: readonly Change[];
}

export class SqliteProjectionStore implements ProjectionStore {
  /**
   * How many writes were shown ahead of the position but not in the generation being built, by its
   * name: in all, and when it was last asked for. A process that resumes a building reads all
   * after its position, so that none need be remembered.
   */
  private readonly ahead = new Map<string, { noted: number; seen: number }>();

  constructor(
    private readonly database: Database,
    private readonly writes: GroupCommit,
    private readonly generations: SqliteGenerations,
    private readonly tables: SqliteDocuments,
    private readonly eventEntries: SqliteEventEntries,
    private readonly dropper: Dropper,
  ) {}

  async live(projection: GenerationName): Promise<Generation | null> {
    return reading(() => this.generations.live(projection));
  }

  async building(projection: GenerationName): Promise<Generation | null> {
    return reading(() => {
      const building = this.generations.building(projection);
      const ahead = building === null ? undefined : this.ahead.get(nameOf(projection, building.number));
      if (ahead !== undefined) ahead.seen = ahead.noted;
      return building;
    });
  }

  async build(projection: GenerationName, version: number): Promise<Generation> {
    const built = await this.writes.run(() => this.generations.build(projection, version));
    this.dropper.start();
    return built;
  }

  async load(
    projection: ProjectionName,
    generation: number,
    subjects: readonly DocumentSubject[],
  ): Promise<(Versioned | null)[]> {
    return reading(() => this.tables.loadAll(projection, generation, subjects));
  }

  async apply(
    projection: ProjectionName,
    generation: number,
    changes: readonly Change[],
    from: Position | null,
    to: Position,
  ): Promise<boolean> {
    return this.writes.run(() => this.applyNow(projection, generation, { changes, documents: [] }, from, to));
  }

  /** As `apply`, of documents made ready as rows as well, where nobody else uses the store. It is on disk after `settle`. */
  async applyReady(
    projection: ProjectionName,
    generation: number,
    made: Made,
    from: Position | null,
    to: Position,
  ): Promise<boolean> {
    return this.writes.runAhead(() => this.applyNow(projection, generation, made, from, to));
  }

  /** Has on disk what was applied. @throws UnavailableError */
  async settle(): Promise<void> {
    await this.writes.settle();
  }

  async switchTo(projection: GenerationName, generation: number, anyway = false): Promise<boolean> {
    const switched = await this.writes.run(() => {
      const ahead = this.ahead.get(nameOf(projection, generation));
      return ahead?.noted === ahead?.seen && this.generations.switchTo(projection, generation, anyway);
    });
    this.dropper.start();
    return switched;
  }

  async index(generation: number, entries: readonly IndexEntry[], from: Position | null, to: Position): Promise<boolean> {
    return this.writes.run(() => {
      if (!this.generations.advance('events', generation, from, to)) return false;
      this.eventEntries.insert(generation, entries);
      return true;
    });
  }

  async entries(generation: number, organizationId: string, after: Position | null, upTo: Position, limit: number): Promise<IndexEntry[]> {
    return reading(() => this.eventEntries.read(generation, organizationId, after, upTo, limit));
  }

  async allEntries(generation: number, after: IndexEntry | null, limit: number): Promise<IndexEntry[]> {
    return reading(() => this.eventEntries.readAll(generation, after, limit));
  }

  async show(projection: ProjectionName, showing: Showing): Promise<boolean> {
    return this.writes.run(() => {
      const live = this.generations.live(projection);
      if (live === null) return false;
      const shown = this.reach(projection, live, showing);
      const building = this.generations.building(projection);
      if (building !== null && !this.reach(projection, building, showing)) {
        const name = nameOf(projection, building.number);
        const { noted, seen } = this.ahead.get(name) ?? { noted: 0, seen: 0 };
        this.ahead.set(name, { noted: noted + 1, seen });
      }
      return shown;
    });
  }

  async documents(
    projection: ProjectionName,
    generation: number,
    after: DocumentSubject | null,
    limit: number,
  ): Promise<StoredDocument[]> {
    return reading(() => {
      const inUse = this.generations.inUse(projection, generation);
      return inUse ? storedDocuments(this.database, projection, generation, after, limit) : [];
    });
  }

  /** Whether a document of a generation has come to the revision, by the step from what stands if need be. */
  private reach(projection: ProjectionName, { number, version }: Generation, { subject, revision, ...showing }: Showing): boolean {
    const stored = this.tables.load(projection, number, subject);
    if (stored !== null && stored.revision >= revision) return true;
    const change = version === showing.version ? showing.step(stored) : null;
    if (change !== null) this.tables.apply(projection, number, [change]);
    return change !== null;
  }

  /** `apply` within a group. */
  applyNow(
    projection: ProjectionName,
    generation: number,
    { documents, changes }: Made,
    from: Position | null,
    to: Position,
  ): boolean {
    if (!this.generations.advance(projection, generation, from, to)) return false;
    if (documents.length > 0) this.tables.add(projection, generation, documents);
    this.tables.apply(projection, generation, changes);
    return true;
  }
}

const nameOf = (projection: GenerationName, generation: number) => `${projection}/${generation}`;
