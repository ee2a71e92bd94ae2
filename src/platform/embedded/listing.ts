// Lists of documents: filtered, searched, sorted and paged, by the cheaper of two ways. Walking
// the index of the order costs about one row per row looked at until the page is full; gathering
// what an index of the filter finds and sorting it costs about one row per hit.

import type { ContactGroup, GroupQuery, ListFilter, ListQuery, SortField, SortPoint } from '../../ports/readStore.js';
import type { Database, SqlValue } from './database.js';
import { rowidsOf } from './documents.js';
import { holds, planSearch, type SearchPlan, type Sql } from './search.js';

export const sortColumns: Record<SortField, { column: string; index: string }> = {
  name: { column: 'sort_name', index: 'documents_by_name' },
  createdAt: { column: 'created_at', index: 'documents_by_created' },
  updatedAt: { column: 'updated_at', index: 'documents_by_updated' },
};

const groupColumns: Record<GroupQuery['group']['by'], { column: string; index: string }> = {
  company: { column: 'parent_id', index: 'documents_by_parent' },
  department: { column: 'department', index: 'documents_by_department' },
  contactMethod: { column: 'contact_method', index: 'documents_by_method' },
};

/** Rowids of a page in order, one more than asked for where there are more. */
export function listRowids(database: Database, collection: number, query: ListQuery, total: number): number[] {
  if (total === 0) return [];
  const search = searchOf(collection, query.filter);
  const offset = 'offset' in query.from ? query.from.offset : 0;
  const walked = ((offset + query.limit) * countAll(database, collection)) / total;
  const source = total <= walked ? gather(collection, query.filter, search) : walk(collection, query, search);
  return page(database, source, sortColumns[query.orderBy].column, query);
}

/** That row `d`, of whatever table, meets a filter and is of a group. */
export function rowConditions(filter: ListFilter, group: ContactGroup | null): Sql {
  const groups = group === null ? [] : [{ text: `d.${groupColumns[group.by].column} = ?`, values: [group.key] }];
  return and([{ text: '1', values: [] }, ...parentCondition(filter), ...groups, ...statusCondition(filter.statuses), ...(filter.search ?? []).map(holds)]);
}

/** How many documents meet the filter. */
export function countMatching(database: Database, collection: number, filter: ListFilter): number {
  if (filter.search === null && filter.parentEntityId === null) return countStatuses(database, collection, filter.statuses);
  const search = searchOf(collection, filter);
  const onlySearch = filter.parentEntityId === null && filter.statuses === null;
  if (search !== null && search.rest.length === 0 && onlySearch) return countOf(database, search.candidates);
  const { from, where } = gather(collection, filter, search);
  return countOf(database, { text: `SELECT 1 ${from} WHERE ${where.text}`, values: where.values });
}

/** Rowids of one stretch of a group, by name, one more than asked for where there are more. */
export function groupRowids(database: Database, collection: number, query: GroupQuery): number[] {
  const source = groupSource(collection, query.group, query.statuses);
  return page(database, source, 'sort_name', { ...query, direction: 'asc' });
}

/** How many documents a group has. */
export function countGroup(
  database: Database,
  collection: number,
  group: GroupQuery['group'],
  statuses: GroupQuery['statuses'],
): number {
  const { from, where } = groupSource(collection, group, statuses);
  return countOf(database, { text: `SELECT 1 ${from} WHERE ${where.text}`, values: where.values });
}

interface Source {
  from: string;
  where: Sql;
}

interface PageQuery {
  direction: 'asc' | 'desc';
  limit: number;
  from: { after: SortPoint } | { offset: number };
}

function page(database: Database, { from, where }: Source, column: string, query: PageQuery): number[] {
  const conditions = [where];
  if ('after' in query.from) {
    const { value, id } = query.from.after;
    const beyond = query.direction === 'asc' ? '>' : '<';
    conditions.push({ text: `(d.${column}, d.id) ${beyond} (?, ?)`, values: [value, id] });
  }
  const { text, values } = and(conditions);
  const offset = 'offset' in query.from ? query.from.offset : 0;
  const sql = `SELECT d.rowid AS rowid ${from} WHERE ${text}
    ORDER BY d.${column} ${query.direction}, d.id ${query.direction} LIMIT ? OFFSET ?`;
  return database.all<{ rowid: number }>(sql, ...values, query.limit + 1, offset).map((row) => row.rowid);
}

/** Rows in the order of the sort field, each looked at. */
function walk(collection: number, { filter, orderBy }: ListQuery, search: SearchPlan | null): Source {
  const inCollection = { text: 'd.collection = ?', values: [collection] };
  return {
    from: `FROM documents d INDEXED BY ${sortColumns[orderBy].index}`,
    where: and([inCollection, ...parentCondition(filter), ...statusCondition(filter.statuses), ...(search?.all ?? [])]),
  };
}

/** Rows that an index of the filter finds, to be sorted; by the narrowest kind of filter there is. */
function gather(collection: number, filter: ListFilter, search: SearchPlan | null): Source {
  const inCollection = { text: 'd.collection = ?', values: [collection] };
  if (filter.parentEntityId !== null) {
    return {
      from: 'FROM documents d INDEXED BY documents_by_parent',
      where: and([inCollection, ...parentCondition(filter), ...statusCondition(filter.statuses), ...(search?.all ?? [])]),
    };
  }
  if (search !== null) {
    const found = { text: `d.rowid IN (${search.candidates.text})`, values: search.candidates.values };
    return { from: 'FROM documents d', where: and([found, ...search.rest, ...statusCondition(filter.statuses)]) };
  }
  // The index of statuses leaves the active out, since most documents are.
  const rare = filter.statuses !== null && !filter.statuses.includes('active');
  const rareOnly = rare ? [{ text: "d.status <> 'active'", values: [] }] : [];
  return {
    from: `FROM documents d INDEXED BY ${rare ? 'documents_by_status' : 'documents_by_name'}`,
    where: and([inCollection, ...rareOnly, ...statusCondition(filter.statuses)]),
  };
}

function groupSource(collection: number, group: GroupQuery['group'], statuses: GroupQuery['statuses']): Source {
  const { column, index } = groupColumns[group.by];
  return {
    from: `FROM documents d INDEXED BY ${index}`,
    where: and([{ text: `d.collection = ? AND d.${column} = ?`, values: [collection, group.key] }, ...statusCondition(statuses)]),
  };
}

function parentCondition({ parentEntityId }: ListFilter): Sql[] {
  return parentEntityId === null ? [] : [{ text: 'd.parent_id = ?', values: [parentEntityId] }];
}

function statusCondition(statuses: readonly string[] | null): Sql[] {
  if (statuses === null) return [];
  return [{ text: `d.status IN (${statuses.map(() => '?').join(', ')})`, values: [...statuses] }];
}

function searchOf(collection: number, { search }: ListFilter): SearchPlan | null {
  if (search === null || search.length === 0) return null;
  const { first, last } = rowidsOf(collection);
  return planSearch(search, first, last);
}

function countAll(database: Database, collection: number): number {
  return countStatuses(database, collection, null);
}

function countStatuses(database: Database, collection: number, statuses: readonly string[] | null): number {
  const rows = database.all<{ status: string; count: number }>(
    'SELECT status, count FROM collection_counts WHERE collection = ?',
    collection,
  );
  const wanted = rows.filter((row) => statuses === null || statuses.includes(row.status));
  return wanted.reduce((sum, row) => sum + row.count, 0);
}

function countOf(database: Database, { text, values }: Sql): number {
  return database.get<{ count: number }>(`SELECT count(*) AS count FROM (${text})`, ...values)?.count ?? 0;
}

function and(conditions: readonly Sql[]): Sql {
  return {
    text: conditions.map((condition) => condition.text).join(' AND '),
    values: conditions.flatMap((condition): SqlValue[] => condition.values),
  };
}
