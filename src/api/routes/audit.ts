// GET /audit: what happened in an organization, newest first; as JSON, or as CSV or NDJSON, which
// are streamed.

import { stringify } from 'csv-stringify/sync';
import { z } from 'zod';
import type { AuditItem, AuditPage, AuditPoint } from '../../ports/historyStore.js';
import { auditBatches, READ_ENTRIES, written } from '../auditBatches.js';
import { principalOf, type ApiContext } from '../context.js';
import type { RouteDeps } from '../deps.js';
import { auditCsvExample, auditExample } from '../openapi/historyExamples.js';
import { linkTo } from '../paging.js';
import { route, type Route } from '../routing.js';
import { auditEntrySchema, auditParameters, auditSchema, encodeAuditCursor, HISTORY_LIMIT, type AuditEntry } from '../schemas/history.js';
import { streamed } from '../streaming.js';

const formats = { json: 'application/json', csv: 'text/csv', ndjson: 'application/x-ndjson' } as const;

export function auditRoutes(deps: RouteDeps): Route[] {
  return [auditRoute(deps)];
}

const auditRoute = ({ audit }: RouteDeps) =>
  route({
    method: 'GET',
    path: '/audit',
    scope: 'audit:read',
    id: 'getAudit',
    tag: 'History',
    summary: 'What happened in the organization',
    description:
      'Newest first, whoever did it. As JSON a page; as CSV or NDJSON (by `Accept`) everything that meets the filters, unless `limit` is given. In CSV, values that a spreadsheet would take for formulas begin with an apostrophe.',
    query: auditParameters,
    responses: {
      200: {
        description: 'What happened',
        schema: auditSchema,
        example: auditExample,
        mayHave: ['Link'],
        alternatives: {
          [formats.csv]: { schema: z.string(), example: auditCsvExample },
          [formats.ndjson]: { schema: auditEntrySchema, example: auditExample.data[0] },
        },
      },
    },
    handle: async (ctx, { query: { filter, after, limit } }) => {
      const { organizationId } = principalOf(ctx);
      ctx.vary('Accept');
      const format = ctx.accepts(...Object.values(formats));
      const read = (point: AuditPoint | null, count: number) => audit.page(organizationId, filter, point, count);
      if (format === formats.csv || format === formats.ndjson) await answerStream(ctx, format, { read, after, limit });
      else answerPage(ctx, await read(after, limit ?? HISTORY_LIMIT));
    },
  });

function answerPage(ctx: ApiContext, page: AuditPage): void {
  setNext(ctx, page.next);
  ctx.type = formats.json;
  ctx.body = `{"data":[${page.items.map(({ text }) => text).join(',')}],"nextCursor":${JSON.stringify(cursorOf(page.next))}}`;
}

interface Asked {
  read: (after: AuditPoint | null, limit: number) => Promise<AuditPage>;
  after: AuditPoint | null;
  /** Undefined: everything. */
  limit: number | undefined;
}

async function answerStream(ctx: ApiContext, format: typeof formats.csv | typeof formats.ndjson, { read, after, limit }: Asked): Promise<void> {
  // The first page is read before anything is sent: what fails at once fails with an error's answer.
  const first = await read(after, limit ?? READ_ENTRIES);
  if (limit !== undefined) setNext(ctx, first.next);
  const write = format === formats.csv ? csv : ndjson;
  ctx.type = format;
  ctx.body = streamed(texts());

  async function* texts(): AsyncGenerator<string> {
    if (format === formats.csv) yield csv([], true);
    for await (const items of limit === undefined ? auditBatches(first, read) : written(first.items)) yield write(items);
  }
}

const columns = ['at', 'type', 'actor', 'contactId', 'companyId', 'webhookId', 'revision', 'eventId', 'requestId', 'changes'] as const;

function csv(items: readonly AuditItem[], header = false): string {
  const rows = items.map(({ text }) => {
    const { actor, changes, ...entry } = JSON.parse(text) as AuditEntry;
    return { ...entry, actor: actor.sub, changes: JSON.stringify(changes) };
  });
  return stringify(rows, { header, columns: [...columns], cast: { string: unformulated }, record_delimiter: '\r\n' });
}

/** What a spreadsheet takes for a formula: it passes over white space and what is not seen. */
const FORMULA = /^(?:[\t\r\n]|[\s\p{Cc}\p{Cf}]*[=+\-@＝＋－＠])/u;

const unformulated = (text: string): string => (FORMULA.test(text) ? `'${text}` : text);

function ndjson(items: readonly AuditItem[]): string {
  return items.map(({ text }) => `${text}\n`).join('');
}

function setNext(ctx: ApiContext, next: AuditPoint | null): void {
  const cursor = cursorOf(next);
  if (cursor !== null) ctx.set('Link', linkTo(ctx, 'next', { cursor }));
}

const cursorOf = (next: AuditPoint | null) => (next === null ? null : encodeAuditCursor(next));
