// The contacts as they stood at one instant, in MongoDB: the documents that have not changed since,
// and the versions that ended after it. Documents are read first: what changes meanwhile is then
// met again as a version.

import type { Collection, Filter } from 'mongodb';
import type { Contact } from '../../domain/contact.js';
import type { ProjectionName, Versioned } from '../../ports/projection.js';
import type { ChartContact, SortField } from '../../ports/readStore.js';
import { everything, type Line, type PastFilter, type PastSource, type Standing } from '../pastContacts.js';
import { atMost, oneOf, STREAM_MAX_MS } from './mongoConnection.js';
import { documentKey, entityOf, orderFields, orderKey, orderValue, subjectOf, type LiveDocument } from './mongoDocuments.js';
import type { MongoGenerations } from './mongoGenerations.js';
import type { VersionDocument } from './mongoHistory.js';
import type { MongoLiveReads } from './mongoLiveReads.js';
import { groupFilter, listFilter } from './mongoReadStore.js';

/** How many are given at a time. */
const AT_A_TIME = 1_000;
/** Sorts after every id. */
const AFTER_ALL = '\uffff';

type OrderField = (typeof orderFields)[SortField];
type Found = { _id: string; id?: string; manager?: string; body?: string } & Partial<Record<OrderField, string>>;
type Stored = Pick<VersionDocument, '_id' | 'id' | 'revision' | 'body' | 'updatedAt'>;

export class MongoPast implements PastSource {
  constructor(
    private readonly reads: MongoLiveReads,
    private readonly generations: MongoGenerations,
    private readonly instant: string,
  ) {}

  async *standing(organizationId: string, filter: PastFilter, orderBy: SortField): AsyncIterable<Standing[]> {
    const field = orderFields[orderBy];
    for await (const some of this.rows(organizationId, filter, [field])) yield some.map((found) => standingOf(found, field));
  }

  async *lines(organizationId: string): AsyncIterable<Line[]> {
    for await (const some of this.rows(organizationId, everything, ['byName', 'body'])) yield some.map(lineOf);
  }

  async load(organizationId: string, ids: readonly string[]): Promise<(Versioned | null)[]> {
    const found = await this.found('contacts', organizationId, ids);
    return ids.map((id) => {
      const stored = found.get(id);
      return stored === undefined ? null : { revision: stored.revision, document: entityOf(stored.body) };
    });
  }

  async stood(organizationId: string, ids: readonly string[]): Promise<Set<string>> {
    return new Set((await this.found('contacts', organizationId, ids)).keys());
  }

  async companyStood(organizationId: string, companyId: string): Promise<boolean> {
    return (await this.found('companies', organizationId, [companyId])).size > 0;
  }

  /** The fields asked for of what stood and meets the filter: documents, then versions. */
  private async *rows(organizationId: string, filter: PastFilter, fields: readonly (OrderField | 'body')[]): AsyncIterable<Found[]> {
    const { documents, versions } = await this.live('contacts');
    const meets = pastFilter(organizationId, filter);
    const unchanged = { byUpdated: { $lte: orderKey(this.instant, AFTER_ALL) } };
    const ended = { until: { $gt: this.instant }, updatedAt: { $lte: this.instant } };
    yield* this.reads.through(foundIn(documents, { ...meets, ...unchanged }, fields));
    yield* this.reads.through(foundIn(versions, { ...(meets as Filter<VersionDocument>), ...ended }, fields));
  }

  private live(projection: ProjectionName) {
    return this.reads.reading(async (live) => ({
      documents: this.generations.documents(projection, live(projection)) as unknown as Collection<LiveDocument>,
      ...this.generations.history(projection, live(projection)),
    }));
  }

  /** What stood of `ids`, by id. */
  private async found(projection: ProjectionName, organizationId: string, ids: readonly string[]): Promise<Map<string, Stored>> {
    if (ids.length === 0) return new Map();
    const { documents, versions } = await this.live(projection);
    const fields = { projection: { revision: 1, body: 1, id: 1, updatedAt: 1 }, ...atMost };
    const keys = ids.map((id) => documentKey({ organizationId, id }));
    const unchanged = { _id: oneOf(keys), byUpdated: { $lte: orderKey(this.instant, AFTER_ALL) } };
    const newest = await this.reads.of(() => documents.find<Stored>(unchanged, fields).toArray());
    const older = { organization: organizationId, id: { $in: [...ids] }, until: { $gt: this.instant }, updatedAt: { $lte: this.instant } };
    const versionsThen = await this.reads.of(() => versions.find<Stored>(older, fields).toArray());
    return new Map([...newest.map((stored): [string, Stored] => [subjectOf(stored._id).id, stored]), ...versionsThen.map((stored): [string, Stored] => [stored.id, stored])]);
  }
}

function pastFilter(organizationId: string, filter: PastFilter): Filter<LiveDocument> {
  return filter.group === null ? listFilter(organizationId, filter) : groupFilter(organizationId, filter.group, filter.statuses);
}

async function* foundIn<Shape extends LiveDocument>(collection: Collection<Shape>, filter: Filter<Shape>, fields: readonly string[]): AsyncGenerator<Found[]> {
  const projection = Object.fromEntries(['id', 'manager', ...fields].map((field) => [field, 1]));
  let some: Found[] = [];
  for await (const found of collection.find<Found>(filter, { projection, batchSize: AT_A_TIME, maxTimeMS: STREAM_MAX_MS })) {
    some.push(found);
    if (some.length < AT_A_TIME) continue;
    yield some;
    some = [];
  }
  yield some;
}

function standingOf(found: Found, field: OrderField): Standing {
  const { _id, id = subjectOf(_id).id, manager = null } = found;
  return { id, value: orderValue(found[field] ?? ''), managerId: manager };
}

/** What is shown is taken out at once: whole documents of an organization are too much to hold. */
function lineOf(found: Found): Line {
  const standing = standingOf(found, 'byName');
  const shown = toChart(entityOf(found.body ?? ''));
  return { ...standing, shown: () => shown };
}

function toChart({ id, name, displayName, metadata: { title, department, reportsTo } }: Contact): ChartContact {
  return { id, name, displayName, metadata: { title, department, reportsTo } };
}
