// What is told of every request: its id, one line of the log, its measure and, where an SDK is
// configured, its span. No query, no body, no token, and nothing of whom it is about.

import { randomUUID } from 'node:crypto';
import type { Context, Middleware, Next } from 'koa';
import type { Logger } from 'pino';
import { isTraced, tracedRequest } from '../../ports/tracing.js';
import type { ApiState } from '../context.js';
import type { ApiDeps } from '../deps.js';

export function observed(logger: Logger, measured: ApiDeps['metrics']['requests']): Middleware {
  const kindOf = kinds(logger, measured);
  return async (ctx, next) => {
    const start = performance.now();
    const state = ctx.state as ApiState;
    state.requestId = idOf(ctx.req.headers['x-request-id']);
    try {
      await (isTraced() ? withinSpan(ctx, next) : next());
    } finally {
      const { requestId, traceId, route } = state;
      const { log, measure } = kindOf(route, ctx.method, ctx.res.statusCode);
      const ms = performance.now() - start;
      measure(ms / 1_000);
      log.info({ requestId, traceId, ms: Math.round(ms * 10) / 10 });
    }
  };
}

/** Requests to a route that ended alike: what their lines have in common, Pino renders once. */
interface Kind {
  log: Logger;
  measure: (seconds: number) => void;
}

function kinds(logger: Logger, measured: ApiDeps['metrics']['requests']): (route: string | undefined, method: string, status: number) => Kind {
  const known = new Map<string | undefined, Map<string, Map<number, Kind>>>();
  const make = (route: string | undefined, method: string, status: number): Kind => {
    const kind = { log: logger.child({ method, route: route ?? null, status, msg: 'request' }), measure: measured({ method, route, status }) };
    const ofRoute = known.get(route) ?? new Map<string, Map<number, Kind>>();
    known.set(route, ofRoute.set(method, (ofRoute.get(method) ?? new Map<number, Kind>()).set(status, kind)));
    return kind;
  };
  return (route, method, status) => known.get(route)?.get(method)?.get(status) ?? make(route, method, status);
}

const FIT = /^[A-Za-z0-9._:-]{1,128}$/;

/** The client's, when it is fit to stand in a log, else a new one. */
function idOf(sent: string | string[] | undefined): string {
  return typeof sent === 'string' && FIT.test(sent) ? sent : randomUUID();
}

function withinSpan(ctx: Context, next: Next): Promise<void> {
  return tracedRequest(ctx.method, ctx.headers, async (span) => {
    if (span === null) return next();
    const state = ctx.state as ApiState;
    state.traceId = span.spanContext().traceId;
    await next();
    const { route, requestId } = state;
    if (route !== undefined) span.updateName(`${ctx.method} ${route}`).setAttribute('http.route', route);
    span.setAttributes({ 'http.request.method': ctx.method, 'http.response.status_code': ctx.status, 'contacts.request_id': requestId });
  });
}
