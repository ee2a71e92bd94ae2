// Gives every request an id: the client's, when it is fit to stand in a log, else a new one.

import { randomUUID } from 'node:crypto';
import type { Middleware } from 'koa';

const FIT = /^[A-Za-z0-9._:-]{1,128}$/;

export function requestId(): Middleware {
  return (ctx, next) => {
    const sent = ctx.get('X-Request-Id');
    ctx.state.requestId = FIT.test(sent) ? sent : randomUUID();
    ctx.set('X-Request-Id', ctx.state.requestId);
    return next();
  };
}
