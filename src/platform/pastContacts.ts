// The contacts of an organization as they stood at one instant, over any store that can say which
// versions stood then. What one question gathered serves the next ones of the same answer.

import type { Contact } from '../domain/contact.js';
import { compareText } from '../domain/text.js';
import type { PastReads } from '../ports/historyStore.js';
import type { Versioned } from '../ports/projection.js';
import type { ChartContact, ContactGroup, GroupQuery, GroupStretch, ListFilter, ListPage, ListQuery, Shown, SortField, SortPoint } from '../ports/readStore.js';
import { turn } from '../ports/turns.js';
import { forEachInTurns, sortInTurns } from './inTurns.js';

const LINES_BATCH = 500;

/** A contact that stood: its place in an order, and its manager. */
export interface Standing extends SortPoint {
  managerId: string | null;
}

/** One of the reporting lines. */
export interface Line extends Standing {
  shown(): ChartContact;
}

/** Which contacts: those that meet all that is not null. */
export type PastFilter = ListFilter & { group: ContactGroup | null };

/** What a store must answer about one instant. */
export interface PastSource {
  /** The contacts that stood and meet the filter, with their value of the sort field, in any order, some perhaps twice. */
  standing(organizationId: string, filter: PastFilter, orderBy: SortField): AsyncIterable<Standing[]>;
  /** All contacts that stood, by their values as by name, in any order, some perhaps twice: then the last one counts. */
  lines(organizationId: string): AsyncIterable<Line[]>;
  /** The versions that stood, in the order of `ids`; null for a contact that did not. */
  load(organizationId: string, ids: readonly string[]): Promise<(Versioned | null)[]>;
  /** Those of `ids` that stood. */
  stood(organizationId: string, ids: readonly string[]): Promise<Set<string>>;
  companyStood(organizationId: string, companyId: string): Promise<boolean>;
}

export const everything: PastFilter = { statuses: null, search: null, parentEntityId: null, group: null };

export class PastContacts implements PastReads {
  private readonly gathered = new Map<string, Promise<Standing[]>>();

  constructor(private readonly source: PastSource) {}

  async getContact(organizationId: string, id: string): Promise<Shown<Contact> | null> {
    return (await this.shown(organizationId, [id]))[0] ?? null;
  }

  async listContacts(organizationId: string, query: ListQuery): Promise<ListPage<Contact>> {
    const all = await this.gather(organizationId, { ...query.filter, group: null }, query.orderBy);
    return { ...(await this.stretch(organizationId, all, query)), total: all.length };
  }

  async listGroup(organizationId: string, { group, statuses, limit, from }: GroupQuery): Promise<GroupStretch> {
    const all = await this.gather(organizationId, { ...everything, group, statuses }, 'name');
    return this.stretch(organizationId, all, { direction: 'asc', limit, from });
  }

  async countGroup(organizationId: string, group: ContactGroup, statuses: GroupQuery['statuses']): Promise<number> {
    return (await this.gather(organizationId, { ...everything, group, statuses }, 'name')).length;
  }

  async *reportingLines(organizationId: string): AsyncIterable<ChartContact[]> {
    const stood = new Map<string, Line>();
    for await (const some of this.source.lines(organizationId)) {
      for (const line of some) stood.set(line.id, line);
    }
    const reports = new Map<string, Line[]>();
    await forEachInTurns(stood.values(), (line) => {
      const { managerId } = line;
      if (managerId === null || !stood.has(managerId)) return;
      const known = reports.get(managerId);
      if (known === undefined) reports.set(managerId, [line]);
      else known.push(line);
    });
    let batch: ChartContact[] = [];
    for (const managerId of await sortInTurns([...reports.keys()], compareText)) {
      for (const line of await sortInTurns(reports.get(managerId) ?? [], comparePoints)) {
        if (batch.push(line.shown()) < LINES_BATCH) continue;
        yield batch;
        batch = [];
        await turn();
      }
    }
    yield batch;
  }

  async isCompanyKnown(organizationId: string, companyId: string): Promise<boolean> {
    if (await this.source.companyStood(organizationId, companyId)) return true;
    return (await this.countGroup(organizationId, { by: 'company', key: companyId }, null)) > 0;
  }

  async *chart(organizationId: string): AsyncIterable<{ id: string; managerId: string | null }[]> {
    const all = await this.gather(organizationId, everything, 'name');
    const ids = new Set<string>();
    await forEachInTurns(all, ({ id }) => ids.add(id));
    const visible = (managerId: string | null) => (managerId !== null && ids.has(managerId) ? managerId : null);
    for (let from = 0; from < all.length; from += LINES_BATCH) {
      yield all.slice(from, from + LINES_BATCH).map(({ id, managerId }) => ({ id, managerId: visible(managerId) }));
      await turn();
    }
  }

  async contacts(organizationId: string, ids: readonly string[]): Promise<(Contact | null)[]> {
    return (await this.source.load(organizationId, ids)).map((version) => version?.document ?? null);
  }

  /** All that stood and meet the filter, in ascending order. */
  private gather(organizationId: string, filter: PastFilter, orderBy: SortField): Promise<Standing[]> {
    const key = JSON.stringify([organizationId, filter, orderBy]);
    const known = this.gathered.get(key) ?? this.gatherNow(organizationId, filter, orderBy);
    this.gathered.set(key, known);
    return known;
  }

  private async gatherNow(organizationId: string, filter: PastFilter, orderBy: SortField): Promise<Standing[]> {
    const met = new Map<string, Standing>();
    for await (const some of this.source.standing(organizationId, filter, orderBy)) {
      for (const one of some) met.set(one.id, one);
    }
    return sortInTurns([...met.values()], comparePoints);
  }

  private async stretch(organizationId: string, all: readonly Standing[], query: Omit<ListQuery, 'filter' | 'orderBy'>): Promise<GroupStretch> {
    const { direction, limit, from } = query;
    const at = (index: number) => all[direction === 'asc' ? index : all.length - 1 - index];
    const first = 'offset' in from ? from.offset : passed(all, from.after, direction);
    const points = Array.from({ length: Math.max(0, Math.min(limit, all.length - first)) }, (_, index) => at(first + index) as Standing);
    const items = await this.shown(organizationId, points.map(({ id }) => id));
    const last = points.at(-1);
    return { items, next: last !== undefined && first + limit < all.length ? { value: last.value, id: last.id } : null };
  }

  /** Versions as they were shown then: without references to contacts that were gone. */
  private async shown(organizationId: string, ids: readonly string[]): Promise<Shown<Contact>[]> {
    const versions = await this.source.load(organizationId, ids);
    const managers = new Set(versions.flatMap((version) => version?.document?.metadata.reportsTo ?? []));
    const stood = await this.source.stood(organizationId, [...managers]);
    return versions.flatMap((version): Shown<Contact>[] => {
      if (version === null || version.document === null) return [];
      const { revision, document } = version;
      const { reportsTo } = document.metadata;
      if (reportsTo === null || stood.has(reportsTo)) return [{ document, revision, dangling: false }];
      return [{ document: { ...document, metadata: { ...document.metadata, reportsTo: null } }, revision, dangling: true }];
    });
  }
}

/** How many of `all` a cursor has passed. */
function passed(all: readonly Standing[], after: SortPoint, direction: 'asc' | 'desc'): number {
  let [low, high] = [0, all.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const compared = comparePoints(all[middle] as Standing, after);
    if (compared < 0 || (compared === 0 && direction === 'asc')) low = middle + 1;
    else high = middle;
  }
  return direction === 'asc' ? low : all.length - low;
}

function comparePoints(a: SortPoint, b: SortPoint): number {
  return compareText(a.value, b.value) || compareText(a.id, b.id);
}
