// One line a request, and its measure: what was asked, how it ended, how long it took. No query,
// no body, no token. Where requests are traced, the line names the trace.

import type { Middleware } from 'koa';
import type { Logger } from 'pino';
import type { ApiState } from '../context.js';
import type { ApiDeps } from '../deps.js';

export function requestLog(logger: Logger, measure: ApiDeps['metrics']['request']): Middleware {
  return async (ctx, next) => {
    const start = performance.now();
    try {
      await next();
    } finally {
      const { requestId, traceId, route } = ctx.state as ApiState;
      const { method, status } = ctx;
      const ms = performance.now() - start;
      measure({ method, route, status, seconds: ms / 1_000 });
      logger.info({ requestId, traceId, method, route: route ?? null, status, ms: Math.round(ms * 10) / 10 }, 'request');
    }
  };
}
