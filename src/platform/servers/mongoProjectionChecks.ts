// What MongoDB keeps beside the documents, held against them and against what a replay tells. Its
// own indexes are the server's to keep; counts are made when they are asked for.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Collection } from 'mongodb';
import { jsonEqual, type Json } from '../../domain/json.js';
import type { Change, DocumentSubject, ProjectionName } from '../../ports/projection.js';
import type { Damage, ProjectionChecks, Stray } from '../../ports/projectionChecks.js';
import type { StoredDocument } from '../../ports/readStore.js';
import { oneOf, type MongoConnection } from './mongoConnection.js';
import { afterChange, documentKey, subjectOf } from './mongoDocuments.js';
import type { MongoGenerations } from './mongoGenerations.js';
import { keptHistory, keysAfter } from './mongoHistory.js';

const AT_A_TIME = 1_000;
const LOOK_AGAIN_AFTER_MS = 50;

export class MongoProjectionChecks implements ProjectionChecks {
  constructor(
    private readonly connection: MongoConnection,
    private readonly generations: MongoGenerations,
  ) {}

  async foundOtherwise(projection: ProjectionName, generation: number, documents: readonly StoredDocument[]): Promise<string[][]> {
    const collection = this.generations.documents(projection, generation);
    const stored = await this.connection.run(() => collection.find({ _id: oneOf(documents.map(documentKey)) }).toArray());
    const byKey = new Map(stored.map((document) => [document._id, document as unknown as Record<string, Json>]));
    const { entries } = this.generations.history(projection, generation);
    return Promise.all(
      documents.map(async (document) => {
        const kept = byKey.get(documentKey(document));
        if (kept?.revision !== document.revision) return [];
        const past = await this.connection.run(() => entries.findOne({ _id: keysAfter(document, document.revision) }));
        const current = past === null ? null : await this.connection.run(() => collection.findOne({ _id: documentKey(document) }));
        return [...otherwise(document, kept), ...(current?.revision === document.revision ? ['history'] : [])];
      }),
    );
  }

  async tells(projection: ProjectionName, generation: number, change: Change): Promise<boolean> {
    const { entries, versions } = this.generations.history(projection, generation);
    const told = keptHistory(change);
    const [keptEntries, keptVersions] = await this.connection.run(() =>
      Promise.all([
        entries.find({ _id: keysAfter(change, change.from), revision: { $lte: change.to } }).sort({ _id: 1 }).toArray(),
        versions.find({ _id: keysAfter(change, -1), revision: { $gte: change.from, $lt: change.to } }).sort({ _id: 1 }).toArray(),
      ]),
    );
    return jsonEqual(keptEntries as unknown as Json, told.entries as unknown as Json) && jsonEqual(keptVersions as unknown as Json, told.versions as unknown as Json);
  }

  async *strays(projection: ProjectionName, generation: number): AsyncIterable<Stray[]> {
    const history = this.generations.history(projection, generation);
    for (const collection of [history.entries, history.versions] as unknown as Collection<{ _id: string }>[]) {
      for (let after = ''; ; ) {
        const find = () => collection.find({ _id: { $gt: after } }, { projection: { _id: 1 } }).sort({ _id: 1 }).limit(AT_A_TIME).toArray();
        const rows = await this.connection.run(find);
        const last = rows.at(-1)?._id;
        if (last === undefined) break;
        after = last;
        yield await this.lost(projection, generation, new Set(rows.map(({ _id }) => _id.slice(0, _id.lastIndexOf('/')))));
      }
    }
  }

  async damage(): Promise<Damage> {
    return { lines: [], documents: [] };
  }

  /** Those of which there is no document. The history is written first: it is looked at again. */
  private async lost(projection: ProjectionName, generation: number, keys: Set<string>): Promise<Stray[]> {
    const missing = async (asked: string[]) => {
      const documents = this.generations.documents(projection, generation);
      const found = await this.connection.run(() => documents.find({ _id: oneOf(asked) }, { projection: { _id: 1 } }).toArray());
      const known = new Set(found.map(({ _id }) => _id));
      return asked.filter((key) => !known.has(key));
    };
    let left = await missing([...keys]);
    if (left.length > 0) {
      await sleep(LOOK_AGAIN_AFTER_MS);
      left = await missing(left);
    }
    return left.map((key) => ({ ...subjectOf(key), part: 'history' }));
  }
}

/** The fields of a stored document that are not as its entity and keys make them. */
function otherwise({ document, keys, revision, ...subject }: StoredDocument & DocumentSubject, kept: Record<string, Json>): string[] {
  if (document === null || keys === null) return [];
  const { organizationId, id } = subject;
  const made = afterChange({ organizationId, id, from: -1, to: revision, history: [], type: 'put', document, keys }) as unknown as Record<string, Json>;
  const names = new Set([...Object.keys(made), ...Object.keys(kept)]);
  return [...names].filter((name) => !jsonEqual(made[name], kept[name])).map((name) => (name === 'grams' ? 'search' : `index.${name}`));
}
