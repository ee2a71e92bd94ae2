// Pages of lists: the body's frame, the next cursor, and Link headers (RFC 8288).

import type { ApiContext } from './context.js';
import { encodeCursor } from './cursor.js';
import type { SortField, SortPoint } from '../ports/readStore.js';

export interface PageFacts {
  total: number;
  page: number;
  limit: number;
  next: SortPoint | null;
  orderBy: SortField;
  direction: 'asc' | 'desc';
  /** Whether the request came by cursor: then its links go on by cursor. */
  byCursor: boolean;
}

/** The body of a page of `data`; sets the Link header. */
export function pageBody(ctx: ApiContext, data: unknown[], facts: PageFacts) {
  const { total, page, limit, next, orderBy, direction } = facts;
  const nextCursor = next === null ? null : encodeCursor({ orderBy, direction, after: next, page: page + 1 });
  const totalPages = Math.ceil(total / limit);
  setLinks(ctx, { ...facts, nextCursor, totalPages });
  return { data, total, page, limit, totalPages, nextCursor };
}

function setLinks(ctx: ApiContext, facts: PageFacts & { nextCursor: string | null; totalPages: number }): void {
  const { page, totalPages, nextCursor, byCursor } = facts;
  const links = [linkTo(ctx, 'first', { page: '1' })];
  if (!byCursor && page > 1) links.push(linkTo(ctx, 'prev', { page: String(Math.min(page - 1, Math.max(1, totalPages))) }));
  if (nextCursor !== null) links.push(linkTo(ctx, 'next', byCursor ? { cursor: nextCursor } : { page: String(page + 1) }));
  if (!byCursor) links.push(linkTo(ctx, 'last', { page: String(Math.max(1, totalPages)) }));
  ctx.set('Link', links.join(', '));
}

/** The same request at another place; relative, so that it holds behind any proxy. */
export function linkTo(ctx: ApiContext, rel: string, place: Record<string, string>): string {
  const query = new URLSearchParams(ctx.querystring);
  query.delete('page');
  query.delete('cursor');
  for (const [name, value] of Object.entries(place)) query.set(name, value);
  return `<${ctx.path.replace(/[<>"]/g, encodeURIComponent)}?${query}>; rel="${rel}"`;
}
