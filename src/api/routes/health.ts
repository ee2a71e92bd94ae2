// Whether the process lives, and whether it can do its work.

import type { Middleware } from 'koa';
import type { ApiDeps } from '../deps.js';

/** Answers GET /health/live and /health/ready. */
export function health({ ready, stopping }: ApiDeps['health']): Middleware {
  return async (ctx, next) => {
    const asked = ctx.method === 'GET' || ctx.method === 'HEAD' ? ctx.path : '';
    if (asked === '/health/live') {
      ctx.state.route = asked;
      ctx.body = { status: 'ok' };
    } else if (asked === '/health/ready') {
      ctx.state.route = asked;
      const isReady = !stopping() && (await ready().catch(() => false));
      ctx.status = isReady ? 200 : 503;
      ctx.body = { status: isReady ? 'ok' : 'unavailable' };
    } else await next();
  };
}
