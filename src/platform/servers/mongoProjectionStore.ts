// The side of the read models that projecting uses, on MongoDB. Every change is guarded by the
// revision it was made from, so that any number of copies may apply the same ones; the position is
// moved last, and only when every document has reached its change.

import { MongoBulkWriteError, type AnyBulkWriteOperation, type Collection } from 'mongodb';
import type { EventLog, Position } from '../../ports/eventLog.js';
import type { Change, DocumentSubject, GenerationName, IndexEntry, ProjectionName, Versioned } from '../../ports/projection.js';
import type { Generation, ProjectionStore, Showing, StoredDocument } from '../../ports/readStore.js';
import { atMost, isDuplicateKey, oneOf, type MongoConnection } from './mongoConnection.js';
import { encodeOrganization } from '../../domain/streams.js';
import { afterChange, documentKey, storedDocument, subjectOf, versioned, type MongoDocument } from './mongoDocuments.js';
import { insertAll, writeHistory } from './mongoHistory.js';
import type { GenerationsDocument, MongoGenerations, Slot } from './mongoGenerations.js';

/** How often old generations are looked for, in ms. */
const DROP_EVERY_MS = 60_000;

export class MongoProjectionStore implements ProjectionStore {
  /** How many writes were ahead of a generation being built when it was last asked for. */
  private readonly seenAhead = new Map<string, number>();
  private readonly dropping: NodeJS.Timeout;

  constructor(
    private readonly connection: MongoConnection,
    private readonly generations: MongoGenerations,
    private readonly compare: EventLog['compare'],
    /** Positions as texts that sort as they do. */
    private readonly sortKey: (position: Position) => string,
    projections: readonly GenerationName[],
    /** Told of each batch that was written. */
    private readonly onWritten: (written: { writes: number; seconds: number }) => void = () => undefined,
  ) {
    const drop = async () => {
      for (const projection of projections) await connection.run(() => generations.dropOld(projection));
    };
    // A failure here is met again by the next round, and by whoever needs the server meanwhile.
    this.dropping = setInterval(() => void drop().catch(() => undefined), DROP_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.dropping);
  }

  async live(projection: GenerationName): Promise<Generation | null> {
    return (await this.state(projection)).live;
  }

  async building(projection: GenerationName): Promise<Generation | null> {
    const { building, ahead } = await this.state(projection);
    if (building !== null) this.seenAhead.set(nameOf(projection, building.number), ahead);
    return building;
  }

  async build(projection: GenerationName, version: number): Promise<Generation> {
    const built = await this.connection.run(() => this.generations.build(projection, version));
    this.seenAhead.set(nameOf(projection, built.number), 0);
    return built;
  }

  async load(projection: ProjectionName, generation: number, subjects: readonly DocumentSubject[]): Promise<(Versioned | null)[]> {
    if (subjects.length === 0) return [];
    const keys = subjects.map(documentKey);
    const found = await this.connection.run(() => this.found(this.generations.documents(projection, generation), keys));
    const byKey = new Map(found.map((document) => [document._id, document]));
    return keys.map((key) => {
      const document = byKey.get(key);
      return document === undefined ? null : versioned(document);
    });
  }

  apply(projection: ProjectionName, generation: number, changes: readonly Change[], from: Position | null, to: Position): Promise<boolean> {
    return this.advance(projection, generation, from, to, () => this.change(projection, generation, changes));
  }

  index(generation: number, entries: readonly IndexEntry[], from: Position | null, to: Position): Promise<boolean> {
    return this.advance('events', generation, from, to, async () => {
      const documents = entries.map(({ organizationId, ...entry }) => ({ _id: this.entryKey(organizationId, entry.position), ...entry }));
      await this.connection.run(() => insertAll(this.generations.entries(generation), documents));
      return true;
    });
  }

  async entries(generation: number, organizationId: string, after: Position | null, upTo: Position, limit: number): Promise<IndexEntry[]> {
    const range = { $gt: this.entryKey(organizationId, after), $lte: this.entryKey(organizationId, upTo) };
    const found = await this.connection.run(() =>
      this.generations.entries(generation).find({ _id: range }, atMost).sort({ _id: 1 }).limit(limit).toArray(),
    );
    return found.map(({ _id, ...entry }) => ({ organizationId, ...entry }));
  }

  async allEntries(generation: number, after: IndexEntry | null, limit: number): Promise<IndexEntry[]> {
    const filter = after === null ? {} : { _id: { $gt: this.entryKey(after.organizationId, after.position) } };
    const found = await this.connection.run(() =>
      this.generations.entries(generation).find(filter, atMost).sort({ _id: 1 }).limit(limit).toArray(),
    );
    return found.map(({ _id, ...entry }) => ({ organizationId: subjectOf(_id).organizationId, ...entry }));
  }

  /** Has `write` written what leads from one position to another, and moves the generation there. */
  private async advance(projection: GenerationName, generation: number, from: Position | null, to: Position, write: () => Promise<boolean>): Promise<boolean> {
    const slot = slotOf(await this.state(projection), generation);
    if (slot?.generation.position !== from) return false;
    if (!(await write())) return false;
    let tries = 0;
    return this.connection.run(async () => {
      tries += 1;
      if (await this.generations.advance(projection, slot.name, generation, from, to)) return true;
      // The answer of an earlier try may have been lost.
      return tries > 1 && slotOf(await this.generations.state(projection), generation)?.generation.position === to;
    });
  }

  switchTo(projection: GenerationName, generation: number, anyway = false): Promise<boolean> {
    let tries = 0;
    return this.connection.run(async () => {
      for (;;) {
        const state = await this.generations.state(projection);
        if (tries > 0 && state.live?.number === generation) return true;
        if (state.building?.number !== generation) return false;
        if (!anyway && this.compare(state.building.position, state.live?.position ?? null) < 0) return false;
        if (state.ahead !== this.seenAhead.get(nameOf(projection, generation))) return false;
        tries += 1;
        if (await this.generations.switchOver(state)) return true;
      }
    });
  }

  async documents(projection: ProjectionName, generation: number, after: DocumentSubject | null, limit: number): Promise<StoredDocument[]> {
    return this.connection.run(async () => {
      if (slotOf(await this.generations.state(projection), generation) === null) return [];
      const filter = after === null ? {} : { _id: { $gt: documentKey(after) } };
      const found = this.generations.documents(projection, generation).find(filter, atMost);
      return (await found.sort({ _id: 1 }).limit(limit).toArray()).map(storedDocument);
    });
  }

  async show(projection: ProjectionName, showing: Showing): Promise<boolean> {
    const { live, building } = await this.state(projection);
    if (live === null) return false;
    const reach = (generation: Generation) => this.reach(projection, generation, showing);
    const [shown, built] = await Promise.all([reach(live), building === null ? false : reach(building)]);
    if (!shown) return false;
    const after = await this.state(projection);
    if (after.live?.number !== live.number) return false;
    if (after.building === null || (built && after.building.number === building?.number)) return true;
    const numbers = [live.number, after.building.number] as const;
    return this.connection.run(() => this.generations.notAhead(projection, ...numbers));
  }

  /** Whether a document of a generation has come to the revision, by the step from what stands if need be. */
  private async reach(projection: ProjectionName, { number, version }: Generation, { subject, revision, ...showing }: Showing): Promise<boolean> {
    const [stored = null] = await this.load(projection, number, [subject]);
    if (stored !== null && stored.revision >= revision) return true;
    const change = version === showing.version ? showing.step(stored) : null;
    return change !== null && this.change(projection, number, [change]);
  }

  /** Applies changes to documents that stand where each begins; returns whether all are where they end, or further on. */
  private async change(projection: ProjectionName, generation: number, changes: readonly Change[]): Promise<boolean> {
    if (changes.length === 0) return true;
    await this.connection.run(() => writeHistory(this.generations.history(projection, generation), changes));
    const began = performance.now();
    const documents = this.generations.documents(projection, generation);
    const operations = changes.map(operation);
    const applied = await this.connection.run(() => writeAll(documents, operations));
    this.onWritten({ writes: changes.length, seconds: (performance.now() - began) / 1_000 });
    if (applied === changes.length) return true;
    const keys = changes.map(documentKey);
    const stored = await this.connection.run(() => documents.find({ _id: oneOf(keys) }, { projection: { revision: 1 } }).toArray());
    const revisions = new Map(stored.map(({ _id, revision }) => [_id, revision]));
    return changes.every(({ to }, index) => (revisions.get(keys[index] as string) ?? -1) >= to);
  }

  private entryKey(organizationId: string, position: Position | null): string {
    return `${encodeOrganization(organizationId)}/${position === null ? '' : this.sortKey(position)}`;
  }

  private state(projection: GenerationName): Promise<GenerationsDocument> {
    return this.connection.run(() => this.generations.state(projection));
  }

  private found(documents: Collection<MongoDocument>, keys: string[]) {
    const projection = { revision: 1, body: 1 };
    return documents.find<{ _id: string; revision: number; body?: string }>({ _id: oneOf(keys) }, { projection, ...atMost }).toArray();
  }
}

/** A document that never was is made by an insert, which fails where there is one; every other is replaced as it was read. */
function operation(change: Change): AnyBulkWriteOperation<MongoDocument> {
  const document = afterChange(change);
  if (change.from === -1) return { insertOne: { document } };
  const { _id, ...replacement } = document;
  return { replaceOne: { filter: { _id, revision: change.from }, replacement } };
}

/** How many of the operations found what they were for. */
async function writeAll(documents: Collection<MongoDocument>, operations: AnyBulkWriteOperation<MongoDocument>[]): Promise<number> {
  try {
    const { insertedCount, matchedCount } = await documents.bulkWrite(operations, { ordered: false });
    return insertedCount + matchedCount;
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError) || !isDuplicateKey(error)) throw error;
    return error.insertedCount + error.matchedCount;
  }
}

function slotOf({ live, building }: GenerationsDocument, generation: number): { name: Slot; generation: Generation } | null {
  if (live?.number === generation) return { name: 'live', generation: live };
  return building?.number === generation ? { name: 'building', generation: building } : null;
}

const nameOf = (projection: GenerationName, generation: number) => `${projection}/${generation}`;
