// Query parameters: each at most once, none unknown.

import { z } from 'zod';
import { statuses, type Status } from '../../domain/entity.js';
import { searchWords } from '../../domain/text.js';
import { sortFields, type ListFilter, type ListQuery } from '../../ports/readStore.js';
import { validationError } from '../errors.js';
import { decodeCursor, type Cursor } from '../cursor.js';
import { uuid, uuidPattern } from './entity.js';

export const LIMIT_DEFAULT = 20;
export const LIMIT_MAX = 100;

const once = z.string('Given more than once');
export const wholeNumber = (min: number, max: number) =>
  once
    .regex(/^\d{1,15}$/, `Must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `Must be a whole number from ${min} to ${max}`)
    .meta({ type: 'integer', pattern: undefined, minimum: min, maximum: max });
export const oneOf = <const Values extends readonly string[]>(values: Values) =>
  once.pipe(z.enum(values, `Must be one of ${values.map((value) => `'${value}'`).join(', ')}`)).meta({ enum: [...values] });

const paging = {
  page: wholeNumber(1, 1_000_000_000).optional().meta({ description: 'Page number, from 1' }),
  limit: wholeNumber(1, LIMIT_MAX).optional().meta({ description: `Number of items per page; ${LIMIT_DEFAULT} unless given` }),
  cursor: once.optional().meta({ description: 'The `nextCursor` of the page before: instead of `page`, and right while data changes' }),
};
const statusFilter = oneOf(statuses).optional().meta({ description: 'Filter by status' });

const search = 'Words, each found in name, display name, email or phone, whatever the case, the accents and the punctuation of phones';

const listSchema = z.strictObject({
  ...paging,
  orderBy: oneOf(sortFields).optional().meta({ description: 'Field to sort by; createdAt unless given' }),
  orderDirection: oneOf(['asc', 'desc']).optional().meta({ description: 'Sort direction; asc by name, else desc, unless given' }),
  status: statusFilter,
  search: once.max(200, 'Must be at most 200 characters').optional().meta({ description: search }),
  parentEntityId: once.pipe(uuid).optional().meta({ description: 'Filter by parent entity ID', format: 'uuid', pattern: uuidPattern.source }),
  isActive: oneOf(['true', 'false']).optional().meta({ description: 'Filter by active status', type: 'boolean', enum: undefined }),
});

/** A time as it is sent, given in UTC with milliseconds. */
export const utcTime = z.iso
  .datetime({ offset: true, error: 'Must be a time in ISO 8601, with its offset from UTC, as 2025-06-03T10:15:30.000Z' })
  .transform((time) => new Date(time).toISOString())
  // An offset may lead into a year of other than four digits: as text it would compare wrongly.
  .refine((time) => /^\d{4}-/.test(time), 'Must be a time of the years 0000 to 9999 in UTC')
  .meta({ format: 'date-time', pattern: undefined });

/** A time in a query. */
export const instant = once.pipe(utcTime).meta({ format: 'date-time' });
const asOf = instant.optional().meta({ description: 'The answer as it was at that time, by all that had happened up to it' });

/** The parameters of answers that can be had as of an earlier time. */
export const asOfParameters = z.strictObject({ asOf });

/** The parameters of the list of contacts: also as of an earlier time. */
export const contactListParameters = listSchema.extend({ asOf }).transform(({ asOf: time, ...sent }) => ({ ...listed(sent), asOf: time }));

/** The parameters of the list endpoints. */
export const listParameters = listSchema.transform(listed);

function listed(sent: SentParameters) {
  const { limit, from, page, cursor } = paged(sent);
  const query: ListQuery = { filter: filterOf(sent), ...orderOf(sent, cursor), limit, from };
  return { query, page, byCursor: cursor !== undefined };
}

export type ListParameters = z.infer<typeof listParameters>;
type SentParameters = z.infer<typeof listSchema>;

function filterOf({ status, isActive, search, parentEntityId }: SentParameters): ListFilter {
  const words = searchWords(search ?? '');
  return {
    statuses: statusesOf(status, isActive),
    search: words.length === 0 ? null : words,
    parentEntityId: parentEntityId ?? null,
  };
}

function orderOf(sent: SentParameters, cursor: Cursor | undefined): Pick<ListQuery, 'orderBy' | 'direction'> {
  const orderBy = sent.orderBy ?? cursor?.orderBy ?? 'createdAt';
  const direction = sent.orderDirection ?? cursor?.direction ?? (orderBy === 'name' ? 'asc' : 'desc');
  requireOrder(cursor, { orderBy, direction });
  return { orderBy, direction };
}

function requireOrder(cursor: Cursor | undefined, { orderBy, direction }: Pick<ListQuery, 'orderBy' | 'direction'>): void {
  if (cursor === undefined || (cursor.orderBy === orderBy && cursor.direction === direction)) return;
  throw validationError([{ field: 'cursor', message: 'Belongs to a list in another order' }]);
}

/** The order of the lists by company, department and contact method. */
export const GROUP_ORDER = { orderBy: 'name', direction: 'asc' } as const;

/** The parameters of the lists by company, department and contact method; without paging they answer whole. */
export const groupParameters = z.strictObject({ ...paging, status: statusFilter, asOf }).transform((sent) => {
  const { limit, from, page, cursor } = paged(sent);
  requireOrder(cursor, GROUP_ORDER);
  const isPaged = sent.limit !== undefined || sent.page !== undefined || cursor !== undefined;
  return { statuses: statusesOf(sent.status, undefined), limit, from, page, byCursor: cursor !== undefined, isPaged, asOf: sent.asOf };
});

export type GroupParameters = z.infer<typeof groupParameters>;

/** For endpoints that take no parameters. */
export const noParameters = z.strictObject({});

interface Paging {
  page?: number | undefined;
  limit?: number | undefined;
  cursor?: string | undefined;
}

function paged({ page: given, limit = LIMIT_DEFAULT, ...sent }: Paging) {
  const page = given ?? 1;
  if (sent.cursor === undefined) return { cursor: undefined, page, limit, from: { offset: (page - 1) * limit } };
  if (given !== undefined) throw validationError([{ field: 'cursor', message: 'Cannot be given together with page' }]);
  const cursor = decodeCursor(sent.cursor);
  return { cursor, page: cursor.page, limit, from: { after: cursor.after } };
}

/** Null: all of them. */
function statusesOf(status: Status | undefined, isActive: 'true' | 'false' | undefined): Status[] | null {
  const wanted = statuses.filter(
    (one) => (status === undefined || one === status) && (isActive === undefined || (one === 'active') === (isActive === 'true')),
  );
  return wanted.length === statuses.length ? null : wanted;
}
