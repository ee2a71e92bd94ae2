// Cursors: where a page begins, as opaque text for a URL. One says the order it belongs to.

import { z } from 'zod';
import { sortFields, type SortField, type SortPoint } from '../ports/readStore.js';

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
  return Buffer.from(JSON.stringify([1, orderBy, direction, after.value, after.id, page])).toString('base64url');
}

/** Undefined when it is not one of ours. */
export function decodeCursor(text: string): Cursor | undefined {
  const parsed = cursorSchema.safeParse(parse(Buffer.from(text, 'base64url').toString()));
  if (!parsed.success) return undefined;
  const [, orderBy, direction, value, id, page] = parsed.data;
  return { orderBy, direction, after: { value, id }, page };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
