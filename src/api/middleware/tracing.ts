// The span of a request. It says which route was asked and how that ended, and nothing of whom it is about.

import type { Middleware } from 'koa';
import { tracedRequest } from '../../ports/tracing.js';

export function tracing(): Middleware {
  return (ctx, next) =>
    tracedRequest(ctx.method, ctx.headers, async (span) => {
      if (span === null) return next();
      ctx.state.traceId = span.spanContext().traceId;
      await next();
      const route: unknown = ctx.state.route;
      if (typeof route === 'string') span.updateName(`${ctx.method} ${route}`).setAttribute('http.route', route);
      span.setAttributes({
        'http.request.method': ctx.method,
        'http.response.status_code': ctx.status,
        'contacts.request_id': String(ctx.state.requestId),
      });
    });
}
