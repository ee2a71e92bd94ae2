// The history in MongoDB: the named queries.

import type { HistoryPage, HistoryStore, PastReads } from '../../ports/historyStore.js';
import type { DocumentSubject, ProjectionName } from '../../ports/projection.js';
import { firstChangesText } from '../historyText.js';
import { PastContacts } from '../pastContacts.js';
import { READ_MAX_MS } from './mongoConnection.js';
import { documentKey, type LiveDocument } from './mongoDocuments.js';
import type { MongoGenerations } from './mongoGenerations.js';
import { keysAfter } from './mongoHistory.js';
import type { MongoLiveReads } from './mongoLiveReads.js';
import { MongoPast } from './mongoPast.js';

const atMost = { maxTimeMS: READ_MAX_MS };

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
      const page = found.slice(0, limit);
      const whole = page.every(({ changes }) => changes !== undefined);
      const first = whole ? '' : firstChangesText(await this.firstBody(projection, live(projection), subject));
      const text = page.map(({ head, changes }) => `${head},"changes":${changes ?? first}}`).join(',');
      return { text, next: found.length > limit ? (page.at(-1)?.revision ?? null) : null };
    });
  }

  asOf(instant: string): PastReads {
    return new PastContacts(new MongoPast(this.reads, this.generations, instant));
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
