// Cursors: where a page begins, as opaque text for a URL. One says the order it belongs to.

import { z } from 'zod';
import { sortFields, type SortField, type SortPoint } from '../ports/readStore.js';
import { validationError } from './errors.js';

export interface Cursor {
  orderBy: SortField;
  direction: 'asc' | 'desc';
  after: SortPoint;
  /** The number of the page that begins there. */
  page: number;
}

const cursorSchema = z.tuple([
  z.literal(1),
  z.enum(sortFields),
  z.enum(['asc', 'desc']),
  z.string().max(20_000),
  z.string().max(36),
  z.int().positive(),
]);

export function encodeCursor({ orderBy, direction, after, page }: Cursor): string {
  return encodeValues([1, orderBy, direction, after.value, after.id, page]);
}

/** @throws ApiError on `cursor` when it is not one of ours */
export function decodeCursor(text: string): Cursor {
  const [, orderBy, direction, value, id, page] = decodeValues(cursorSchema, text);
  return { orderBy, direction, after: { value, id }, page };
}

/** A list of values as a cursor; what begins it says which list of items it belongs to. */
export function encodeValues(values: readonly (string | number)[]): string {
  return toCursor(JSON.stringify(values));
}

/** The values of a cursor that `encodeValues` made. @throws ApiError on `cursor` when they do not fit `schema` */
export function decodeValues<Schema extends z.ZodType>(schema: Schema, cursor: string): z.output<Schema> {
  const { success, data } = schema.safeParse(parse(textOf(cursor)));
  if (!success) throw notOurs();
  return data;
}

/** Cursors that are a number; `letter` says which list of items they belong to. */
export function numberCursor(letter: string) {
  const form = new RegExp(`^${letter}(\\d{1,15})$`);
  return {
    encode: (after: number): string => toCursor(`${letter}${after}`),
    /** @throws ApiError on `cursor` when it is not one of this list's */
    decode: (cursor: string): number => {
      const [, digits] = form.exec(textOf(cursor)) ?? [];
      if (digits === undefined) throw notOurs();
      return Number(digits);
    },
  };
}

const toCursor = (text: string): string => Buffer.from(text).toString('base64url');
const textOf = (cursor: string): string => Buffer.from(cursor, 'base64url').toString();
const notOurs = () => validationError([{ field: 'cursor', message: 'Is not one that this API gave' }]);

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
