// Query parameters: each at most once, none unknown.

import { z } from 'zod';
import { contactMethods, statuses, type Status } from '../../domain/entity.js';
import { searchWords } from '../../domain/text.js';
import { sortFields, type ListFilter, type ListQuery } from '../../ports/readStore.js';
import { validationError } from '../errors.js';
import { decodeCursor, type Cursor } from '../cursor.js';
import { uuid } from './entity.js';

export const LIMIT_DEFAULT = 20;
export const LIMIT_MAX = 100;

const once = z.string('Given more than once');
const wholeNumber = (min: number, max: number) =>
  once
    .regex(/^\d{1,15}$/, `Must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `Must be a whole number from ${min} to ${max}`);
const oneOf = <const Values extends readonly string[]>(values: Values) =>
  once.pipe(z.enum(values, `Must be one of ${values.map((value) => `'${value}'`).join(', ')}`));

const paging = {
  page: wholeNumber(1, 1_000_000_000).optional(),
  limit: wholeNumber(1, LIMIT_MAX).optional(),
  cursor: once.optional(),
};

const listSchema = z.strictObject({
  ...paging,
  orderBy: oneOf(sortFields).optional(),
  orderDirection: oneOf(['asc', 'desc']).optional(),
  status: oneOf(statuses).optional(),
  search: once.max(200, 'Must be at most 200 characters').optional(),
  parentEntityId: once.pipe(uuid).optional(),
  isActive: oneOf(['true', 'false']).optional(),
});

/** The parameters of the list endpoints. */
export const listParameters = listSchema.transform((sent) => {
  const { limit, from, page, cursor } = paged(sent);
  const query: ListQuery = { filter: filterOf(sent), ...orderOf(sent, cursor), limit, from };
  return { query, page, byCursor: cursor !== undefined };
});

type ListParameters = z.infer<typeof listSchema>;

function filterOf({ status, isActive, search, parentEntityId }: ListParameters): ListFilter {
  const words = searchWords(search ?? '');
  return {
    statuses: statusesOf(status, isActive),
    search: words.length === 0 ? null : words,
    parentEntityId: parentEntityId ?? null,
  };
}

function orderOf(sent: ListParameters, cursor: Cursor | undefined): Pick<ListQuery, 'orderBy' | 'direction'> {
  const orderBy = sent.orderBy ?? cursor?.orderBy ?? 'createdAt';
  const direction = sent.orderDirection ?? cursor?.direction ?? (orderBy === 'name' ? 'asc' : 'desc');
  if (cursor !== undefined && (cursor.orderBy !== orderBy || cursor.direction !== direction)) {
    throw validationError([{ field: 'cursor', message: 'Belongs to a list in another order' }]);
  }
  return { orderBy, direction };
}

const groupShape = { ...paging, status: oneOf(statuses).optional() };

/** The parameters of the lists by company, department and contact method; without paging they answer whole. */
export const groupParameters = z.strictObject(groupShape).transform((sent) => {
  const { limit, from, page, cursor } = paged(sent);
  const isPaged = sent.limit !== undefined || sent.page !== undefined || cursor !== undefined;
  return { statuses: statusesOf(sent.status, undefined), limit, from, page, byCursor: cursor !== undefined, isPaged };
});

/** The contact method of a path. */
export const contactMethodParameter = z.object({
  method: z.enum(contactMethods, `Must be one of ${contactMethods.map((method) => `'${method}'`).join(', ')}`),
});

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
  if (cursor === undefined) throw validationError([{ field: 'cursor', message: 'Is not one that this API gave' }]);
  return { cursor, page: cursor.page, limit, from: { after: cursor.after } };
}

/** Null: all of them. */
function statusesOf(status: Status | undefined, isActive: 'true' | 'false' | undefined): Status[] | null {
  const wanted = statuses.filter(
    (one) => (status === undefined || one === status) && (isActive === undefined || (one === 'active') === (isActive === 'true')),
  );
  return wanted.length === statuses.length ? null : wanted;
}
