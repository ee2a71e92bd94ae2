// One line a request: what was asked, how it ended, how long it took. No query, no body, no token.

import type { Middleware } from 'koa';
import type { Logger } from 'pino';
import type { ApiState } from '../context.js';

export function requestLog(logger: Logger): Middleware {
  return async (ctx, next) => {
    const start = performance.now();
    try {
      await next();
    } finally {
      const { requestId, route } = ctx.state as ApiState;
      const ms = Math.round((performance.now() - start) * 10) / 10;
      logger.info({ requestId, method: ctx.method, route: route ?? null, status: ctx.status, ms }, 'request');
    }
  };
}
