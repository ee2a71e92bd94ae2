// ETags of single resources: made of the stream's revision, so that they change with the resource
// and with nothing else.

import type { Context } from 'koa';
import type { CommandContext } from '../commands/handle.js';

/** Raised when the representation of the same revision changes. */
const REPRESENTATION = 1;

/** The tag of a resource at `revision`; one shown without a dangling reference has another. */
export function etagOf(revision: number, dangling = false): string {
  return `"${REPRESENTATION}.${revision}${dangling ? 'd' : ''}"`;
}

/**
 * What a write insists on: If-Match, and If-None-Match, whose `*` nothing that exists fulfils
 * (RFC 9110, section 13.1).
 */
export function preconditions(ctx: Context): Pick<CommandContext, 'ifRevisions' | 'unlessRevisions'> {
  const [match, noneMatch] = [ctx.req.headers['if-match']?.trim(), ctx.req.headers['if-none-match']?.trim()];
  if (noneMatch === '*') return { ifRevisions: [] };
  return {
    ifRevisions: match === undefined || match === '*' ? undefined : revisionsIn(match),
    unlessRevisions: noneMatch === undefined ? undefined : revisionsIn(noneMatch),
  };
}

/** The revisions that tags name. Those that are not ours, and an empty one, name none. */
function revisionsIn(header: string): number[] {
  return header.split(',').flatMap((tag) => {
    // A proxy that compresses makes a tag weak; it names the same revision.
    const match = /^(?:W\/)?"(\d+)\.(\d{1,15})d?"$/.exec(tag.trim());
    return match !== null && Number(match[1]) === REPRESENTATION ? [Number(match[2])] : [];
  });
}

/**
 * Whether If-None-Match names the answer's ETag, compared weakly (RFC 9110). Koa's own `fresh` says
 * no when the request has `Cache-Control: no-cache`, which `fetch` adds to every If-None-Match.
 */
export function clientHas(ctx: Context, etag: string): boolean {
  const header = ctx.req.headers['if-none-match']?.trim();
  if (header === undefined) return false;
  if (header === '*') return true;
  return header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}
