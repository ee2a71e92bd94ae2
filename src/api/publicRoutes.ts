// Routes outside of the base path: of the service itself, asked without a token.

import type { Context, Middleware } from 'koa';
import { ApiError } from './errors.js';
import { BASE_PATH, methodNotAllowed, type Description } from './routing.js';

export interface PublicRoute extends Description {
  /** The whole path. */
  path: string;
  /** A part of a page, which the reference leaves out. */
  internal?: boolean;
  handle: (ctx: Context) => void | Promise<void>;
}

/** Answers GET and HEAD of each route's path, and 405 to other methods; goes on below the base path, and nowhere else. */
export function publicRouter(routes: readonly PublicRoute[]): Middleware {
  const byPath = new Map(routes.map((route) => [route.path, route]));
  return (ctx, next) => {
    const { path } = ctx;
    if (path.startsWith(`${BASE_PATH}/`) || path === BASE_PATH) return next();
    const route = byPath.get(path);
    if (route === undefined) throw new ApiError('NOT_FOUND', 'There is no such route');
    ctx.state.route = path;
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') throw methodNotAllowed(ctx.method, ['GET', 'HEAD']);
    return route.handle(ctx);
  };
}
