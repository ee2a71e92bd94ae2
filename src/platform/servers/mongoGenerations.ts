// Which generation of each projection is live and which is being built: one document a projection,
// changed only as it was read. A generation's documents are a collection of its own, so that one
// is dropped whole; not before every read that began on it has ended.

import type { Collection, IndexDescription } from 'mongodb';
import type { Position } from '../../ports/eventLog.js';
import type { GenerationName, ProjectionName } from '../../ports/projection.js';
import type { Generation } from '../../ports/readStore.js';
import { isDuplicateKey, READ_MAX_MS, type MongoConnection } from './mongoConnection.js';
import { documentIndexes, type MongoDocument } from './mongoDocuments.js';
import { entryIndexes, versionIndexes, type HistoryCollections } from './mongoHistory.js';
import { makeIndexes } from './mongoIndexes.js';

/** How long a generation's collection is kept after it was replaced, in ms: longer than any read takes. */
const KEPT_MS = 6 * READ_MAX_MS;

export interface GenerationsDocument {
  _id: GenerationName;
  /** Raised by every change of this document. */
  changes: number;
  /** The last number given. */
  last: number;
  live: Generation | null;
  building: Generation | null;
  /**
   * Counts the writes shown ahead of the position of the live generation but not in the one being
   * built: who would switch to that must have read the log since the last of them.
   */
  ahead: number;
  /** Those replaced or given up, and when, in ms since 1970. */
  dropped: { number: number; at: number }[];
}

export type Slot = 'live' | 'building';

/** An entry of the index of events. */
export interface EventEntryDocument {
  /** `<organization>/<position as it sorts>`: those of an organization lie together, in order. */
  _id: string;
  position: Position;
  stream: string;
  revision: number;
  type: string;
}

export class MongoGenerations {
  private readonly generations: Collection<GenerationsDocument>;

  constructor(private readonly connection: MongoConnection) {
    this.generations = connection.collection('generations');
  }

  /** The documents of a generation. */
  documents(projection: ProjectionName, number: number): Collection<MongoDocument> {
    return this.connection.collection<MongoDocument>(`${projection}_${number}`);
  }

  /** The history of a generation's documents. */
  history(projection: ProjectionName, number: number): HistoryCollections {
    const name = `${projection}_${number}`;
    return { entries: this.connection.collection(`${name}_history`), versions: this.connection.collection(`${name}_versions`) };
  }

  /** The entries of a generation of the index of events. */
  entries(number: number): Collection<EventEntryDocument> {
    return this.connection.collection(`events_${number}`);
  }

  /** How a projection's generations stand. */
  async state(projection: GenerationName): Promise<GenerationsDocument> {
    return (await this.generations.findOne({ _id: projection })) ?? none(projection);
  }

  /** The number of each projection's live generation; one that has none is not among them. */
  async liveNumbers(): Promise<Map<GenerationName, number>> {
    const states = await this.generations.find({}, { projection: { live: 1 } }).toArray();
    return new Map(states.flatMap(({ _id, live }): [GenerationName, number][] => (live === null ? [] : [[_id, live.number]])));
  }

  /** Moves a generation's position; returns whether it was at `from`, and in that slot. */
  async advance(projection: GenerationName, slot: Slot, number: number, from: Position | null, to: Position): Promise<boolean> {
    const filter = { _id: projection, [`${slot}.number`]: number, [`${slot}.position`]: from };
    const moved = await this.generations.updateOne(filter, { $set: { [`${slot}.position`]: to }, $inc: { changes: 1 } });
    return moved.matchedCount === 1;
  }

  /** That a write is shown in `live` but not in `building`, if they are what they were. */
  async notAhead(projection: ProjectionName, live: number, building: number): Promise<boolean> {
    const filter = { _id: projection, 'live.number': live, 'building.number': building };
    const noted = await this.generations.updateOne(filter, { $inc: { ahead: 1, changes: 1 } });
    return noted.matchedCount === 1;
  }

  /** A new, empty generation to build; one that was being built is given up. */
  async build(projection: GenerationName, version: number): Promise<Generation> {
    for (let made = 0; ; ) {
      const state = await this.state(projection);
      const built: Generation = { number: state.last + 1, version, position: null };
      // Before it is known, so that none is ever found without its indexes.
      if (made !== built.number) await this.makeIndexes(projection, built.number);
      made = built.number;
      const next = { ...state, last: built.number, building: built, ahead: 0, dropped: withDropped(state, state.building) };
      if (await this.replace(state, next)) return built;
    }
  }

  /** Puts what is being built in the place of what is live, if all stands as `state` says. */
  async switchOver(state: GenerationsDocument): Promise<boolean> {
    const next = { ...state, live: state.building, building: null, ahead: 0, dropped: withDropped(state, state.live) };
    return this.replace(state, next);
  }

  /** Drops the collections of generations that were replaced or given up long enough ago. */
  async dropOld(projection: GenerationName, now = Date.now()): Promise<void> {
    const { dropped } = await this.state(projection);
    for (const { number, at } of dropped) {
      if (now - at < KEPT_MS) continue;
      await Promise.all(this.collectionsOf(projection, number).map(([collection]) => collection.drop()));
      await this.generations.updateOne({ _id: projection }, { $pull: { dropped: { number } }, $inc: { changes: 1 } });
    }
  }

  private async makeIndexes(projection: GenerationName, number: number): Promise<void> {
    await Promise.all(this.collectionsOf(projection, number).map(([collection, indexes]) => makeIndexes(this.connection, collection, indexes)));
  }

  /** The collections of a generation, with their indexes besides that of keys. */
  private collectionsOf(projection: GenerationName, number: number): [Collection, readonly IndexDescription[]][] {
    const collection = (name: string) => this.connection.collection(name);
    if (projection === 'events') return [[collection(this.entries(number).collectionName), []]];
    const { entries, versions } = this.history(projection, number);
    return [
      [collection(this.documents(projection, number).collectionName), documentIndexes[projection]],
      [collection(entries.collectionName), entryIndexes],
      [collection(versions.collectionName), versionIndexes],
    ];
  }

  private async replace(state: GenerationsDocument, { _id, ...next }: GenerationsDocument): Promise<boolean> {
    const { changes } = state;
    const filter = { _id, changes };
    try {
      const replaced = await this.generations.replaceOne(filter, { ...next, changes: changes + 1 }, { upsert: changes === 0 });
      return replaced.matchedCount + replaced.upsertedCount === 1;
    } catch (error) {
      // Another copy made the document at this moment.
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }
}

function none(projection: GenerationName): GenerationsDocument {
  return { _id: projection, changes: 0, last: 0, live: null, building: null, ahead: 0, dropped: [] };
}

function withDropped({ dropped }: GenerationsDocument, generation: Generation | null): GenerationsDocument['dropped'] {
  return generation === null ? dropped : [...dropped, { number: generation.number, at: Date.now() }];
}
