// The published events of an organization: to be read page by page, or followed.

import { z } from 'zod';
import { principalOf, type ApiContext } from '../context.js';
import type { RouteDeps } from '../deps.js';
import { validationError } from '../errors.js';
import { streamEvents } from '../eventStream.js';
import { layHead } from '../head.js';
import { route, type Route } from '../routing.js';
import { BEGINNING, eventsPageSchema, eventsParameters, streamParameters } from '../schemas/events.js';

export function eventRoutes(deps: RouteDeps): Route[] {
  return [readRoute(deps), streamRoute(deps)];
}

const tag = 'Events';
const scope = 'events:read';
const WHAT =
  'Every event of the contacts and companies of the organization, from the first on, in order, in its newest form: both can be rebuilt from them. What was personal of an erased contact reads as `[erased]`.';

const readRoute = (deps: RouteDeps) =>
  route({
    method: 'GET',
    path: '/events',
    scope,
    id: 'readEvents',
    tag,
    summary: 'Read events',
    description: `${WHAT} Ask again with \`after\` set to \`nextPosition\`, also when there were none.`,
    query: eventsParameters,
    responses: { 200: { description: 'Events, as CloudEvents', schema: eventsPageSchema } },
    handle: async (ctx, { query: { after: sent, limit, types } }) => {
      const after = await positionOf(sent, 'after', deps);
      const { content, position } = await deps.feed.read(principalOf(ctx).organizationId, { after, limit, types });
      // Compressing a page takes longer than making it: where that is worth it, a proxy does.
      ctx.compress = false;
      ctx.type = 'application/json';
      ctx.body = Buffer.concat([Buffer.from('{"data":['), content, Buffer.from(`],"nextPosition":${JSON.stringify(position ?? BEGINNING)}}`)]);
    },
  });

const streamRoute = (deps: RouteDeps) =>
  route({
    method: 'GET',
    path: '/events/stream',
    scope,
    id: 'followEvents',
    tag,
    summary: 'Follow events',
    description: `${WHAT} As Server-Sent Events: \`id\` is the position, \`data\` the CloudEvent. It goes on after \`Last-Event-ID\`, or else \`after\`. Every 15 seconds there is a comment, with the position. It ends when the token expires.`,
    query: streamParameters,
    accepts: ['Last-Event-ID'],
    responses: { 200: { description: 'The stream', schema: z.string(), mediaType: 'text/event-stream' } },
    handle: async (ctx, { query }) => {
      const lastSeen = ctx.get('Last-Event-ID');
      const after = lastSeen === '' ? await positionOf(query.after, 'after', deps) : await positionOf(lastSeen, 'Last-Event-ID', deps);
      follow(ctx, deps, after, query.types);
    },
  });

/** Answers by a stream, past what makes other answers: nothing may hold an event back. */
function follow(ctx: ApiContext, { feed, alarms, idempotency }: RouteDeps, after: string | null, types: readonly string[]): void {
  const { res: response } = ctx;
  ctx.respond = false;
  ctx.status = 200;
  layHead(ctx);
  ctx.set({ 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no', Connection: 'close' });
  // It ends with the connection: framing what is written in chunks would take a third of the time of writing it.
  ctx.remove('Transfer-Encoding');
  response.flushHeaders();
  if (ctx.method === 'HEAD') {
    response.end();
    return;
  }
  const reader = feed.follow(principalOf(ctx).organizationId, after);
  const options = { types, clock: alarms, endsAt: ctx.state.tokenExpiresAt ?? Number.POSITIVE_INFINITY, stopped: feed.stopped };
  // What fails ends the stream; the client resumes, and is told then.
  void streamEvents(response, reader, options).catch(idempotency.onError);
}

/** Null: before the first event. @throws ApiError when it is no position, or none of this log's */
async function positionOf(text: string | undefined, field: string, { feed, isPosition }: RouteDeps): Promise<string | null> {
  if (text === undefined || text === BEGINNING) return null;
  if (!isPosition(text)) throw validationError([{ field, message: 'Is not a position that this API gave' }]);
  // An empty page would have its reader wait for what will be others' events by then.
  if (!(await feed.reaches(text))) throw validationError([{ field, message: 'Is past the end of the event log: it is of another, or of one that was restored from a backup since' }]);
  return text;
}
