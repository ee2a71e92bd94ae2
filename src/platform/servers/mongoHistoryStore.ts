// The history in MongoDB: the named queries.

import type { Filter } from 'mongodb';
import { fittingOf, type AuditFilter, type AuditItem, type AuditPage, type AuditPoint, type HistoryPage, type HistoryStore, type PastReads } from '../../ports/historyStore.js';
import { newestFirst } from '../../domain/history.js';
import type { DocumentSubject, ProjectionName } from '../../ports/projection.js';
import { auditPage, auditSources } from '../audit.js';
import { auditText, firstChangesText } from '../historyText.js';
import { PastContacts } from '../pastContacts.js';
import { atMost, oneOf } from './mongoConnection.js';
import { documentKey, type LiveDocument } from './mongoDocuments.js';
import type { MongoGenerations } from './mongoGenerations.js';
import { keysAfter, type EntryDocument } from './mongoHistory.js';
import type { MongoLiveReads } from './mongoLiveReads.js';
import { MongoPast } from './mongoPast.js';

export class MongoHistoryStore implements HistoryStore {
  constructor(
    private readonly reads: MongoLiveReads,
    private readonly generations: MongoGenerations,
  ) {}

  history(organizationId: string, projection: ProjectionName, id: string, after: number | null, limit: number): Promise<HistoryPage | null> {
    const subject = { organizationId, id };
    return this.reads.reading(async (live) => {
      const { entries } = this.generations.history(projection, live(projection));
      const query = entries.find({ _id: keysAfter(subject, after ?? -1) }, { projection: { revision: 1, head: 1, changes: 1 }, ...atMost });
      const found = await query.sort({ _id: 1 }).limit(limit + 1).toArray();
      if (found.length === 0 && (after === null || (await entries.findOne({ _id: keysAfter(subject, -1) }, atMost)) === null)) return null;
      const page = found.slice(0, Math.min(limit, fittingOf(found.map(sizeOf))));
      const whole = page.every(({ changes }) => changes !== undefined);
      const first = whole ? '' : firstChangesText(await this.firstBody(projection, live(projection), subject));
      const text = page.map(({ head, changes }) => `${head},"changes":${changes ?? first}}`).join(',');
      return { content: Buffer.from(text), next: found.length > page.length ? (page.at(-1)?.revision ?? null) : null };
    });
  }

  audit(organizationId: string, filter: AuditFilter, after: AuditPoint | null, limit: number): Promise<AuditPage> {
    return this.reads.reading(async (live) => {
      const given = auditSources(filter).map(async ({ projection, id }) => {
        const generation = live(projection);
        const found = this.generations.history(projection, generation).entries.find(auditFilter(organizationId, id, filter, after), atMost);
        const entries = await found.sort({ at: -1, id: -1, revision: -1 }).limit(limit + 1).toArray();
        const first = await this.firstChanges(projection, generation, entries.filter(({ changes }) => changes === undefined));
        return entries.map(({ at, id, revision, head, changes = first.get(id) ?? '[]' }): AuditItem & { size: number } => {
          return { at, id, revision, text: auditText(projection, id, head, changes), size: sizeOf({ changes }) };
        });
      });
      const all = await Promise.all(given);
      const sizes = all.flat().sort(newestFirst).map(({ size }) => size);
      return auditPage(all.map((some) => some.map(({ size: _, ...item }) => item)), Math.min(limit, fittingOf(sizes)));
    });
  }

  asOf(instant: string): PastReads {
    return new PastContacts(new MongoPast(this.reads, this.generations, instant));
  }

  /** What the first versions of documents have set, by id; their creations are given. */
  private async firstChanges(projection: ProjectionName, generation: number, creations: readonly EntryDocument[]): Promise<Map<string, string>> {
    if (creations.length === 0) return new Map();
    const { versions } = this.generations.history(projection, generation);
    const fields = { projection: { body: 1, id: 1 }, ...atMost };
    // Most often the creation's own version is kept, or there is none and the document is the first.
    const kept = await versions.find({ _id: oneOf(creations.map(({ _id }) => _id)) }, fields).toArray();
    const bodies = new Map(kept.map(({ id, body }) => [id, body]));
    const others = creations.filter(({ id }) => !bodies.has(id));
    const looked = others.map(async ({ organization, id }): Promise<[string, string | undefined]> => [id, await this.firstBody(projection, generation, { organizationId: organization, id })]);
    return new Map([...bodies, ...(await Promise.all(looked))].map(([id, body]) => [id, firstChangesText(body)]));
  }

  /** The first version of a document, as JSON; undefined when none is kept. */
  private async firstBody(projection: ProjectionName, generation: number, subject: DocumentSubject): Promise<string | undefined> {
    const { versions } = this.generations.history(projection, generation);
    const fields = { projection: { body: 1 }, ...atMost };
    const [first] = await versions.find({ _id: keysAfter(subject, -1) }, fields).sort({ _id: 1 }).limit(1).toArray();
    if (first !== undefined) return first.body;
    const documents = this.generations.documents(projection, generation);
    return (await documents.findOne<Pick<LiveDocument, 'body'>>({ _id: documentKey(subject) }, fields))?.body;
  }
}

/** What an entry's changes take, in bytes. */
const sizeOf = ({ changes }: Pick<EntryDocument, 'changes'>): number => Buffer.byteLength(changes ?? '');

function auditFilter(organization: string, id: string | null, { actor, type, since, until }: AuditFilter, after: AuditPoint | null): Filter<EntryDocument> {
  const range = { ...(since === null ? {} : { $gte: since }), ...(until === null ? {} : { $lte: until }) };
  return {
    organization,
    ...(id === null ? {} : { _id: keysAfter({ organizationId: organization, id }, -1) }),
    ...(actor === null ? {} : { actor }),
    ...(type === null ? {} : { type }),
    ...(since === null && until === null ? {} : { at: range }),
    ...(after === null ? {} : { $and: [{ at: { $lte: after.at } }, beyond(after)] }),
  };
}

const beyond = ({ at, id, revision }: AuditPoint): Filter<EntryDocument> => ({
  $or: [{ at: { $lt: at } }, { at, id: { $lt: id } }, { at, id, revision: { $lt: revision } }],
});
