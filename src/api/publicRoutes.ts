// Routes outside of the base path: of the service itself, asked without a token.

import type { Context, Middleware } from 'koa';
import { methodNotAllowed, type Description } from './routing.js';

export interface PublicRoute extends Description {
  /** The whole path. */
  path: string;
  /** A part of a page, which the reference leaves out. */
  internal?: boolean;
  handle: (ctx: Context) => void | Promise<void>;
}

/** Answers GET and HEAD of each route's path; 405 to other methods. */
export function publicRouter(routes: readonly PublicRoute[]): Middleware {
  const byPath = new Map(routes.map((route) => [route.path, route]));
  return (ctx, next) => {
    const route = byPath.get(ctx.path);
    if (route === undefined) return next();
    ctx.state.route = route.path;
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') throw methodNotAllowed(ctx.method, ['GET', 'HEAD']);
    return route.handle(ctx);
  };
}
