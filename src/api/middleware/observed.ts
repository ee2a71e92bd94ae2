// What is told of every request: its id, one line of the log, its measure and, where an SDK is
// configured, its span. No query, no body, no token, and nothing of whom it is about.

import { randomUUID } from 'node:crypto';
import type { Context, Middleware, Next } from 'koa';
import type { Logger } from 'pino';
import { isTraced, tracedRequest } from '../../ports/tracing.js';
import type { ApiState } from '../context.js';
import type { ApiDeps } from '../deps.js';

export function observed(logger: Logger, measure: ApiDeps['metrics']['request']): Middleware {
  const logFor = loggers(logger);
  return async (ctx, next) => {
    const start = performance.now();
    const state = ctx.state as ApiState;
    state.requestId = idOf(ctx.req.headers['x-request-id']);
    ctx.res.setHeader('X-Request-Id', state.requestId);
    try {
      await (isTraced() ? withinSpan(ctx, next) : next());
    } finally {
      const { requestId, traceId, route } = state;
      const { method, status } = ctx;
      const ms = performance.now() - start;
      measure({ method, route, status, seconds: ms / 1_000 });
      logFor(method, route ?? null, status).info({ requestId, traceId, ms: Math.round(ms * 10) / 10 });
    }
  };
}

/** Loggers of requests to a route that ended alike: what their lines have in common, Pino renders once. */
function loggers(logger: Logger): (method: string, route: string | null, status: number) => Logger {
  const known = new Map<string, Logger>();
  return (method, route, status) => {
    const key = `${method} ${status} ${route}`;
    let alike = known.get(key);
    if (alike === undefined) known.set(key, (alike = logger.child({ method, route, status, msg: 'request' })));
    return alike;
  };
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
