// What a route is, and how routes become a router: fixed paths first, every other method 405.

import Router from '@koa/router';
import type { ApiContext } from './context.js';
import { principalOf } from './context.js';
import { ApiError } from './errors.js';
import { requireScope, type Scope } from './principal.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface Route {
  method: Method;
  /** Below the base path, parameters in braces. */
  path: string;
  /** What the token must allow. */
  scope: Scope;
  handle: (ctx: ApiContext) => Promise<void>;
}

export const BASE_PATH = '/api/v1';

/** The router of `routes`, in their order but that paths without parameters are tried first. */
export function routerOf(routes: readonly Route[]): Router {
  const router = new Router({ prefix: BASE_PATH });
  const ordered = [...routes].sort((a, b) => parameterPosition(a.path) - parameterPosition(b.path));
  for (const route of ordered) {
    const path = route.path.replaceAll(/\{(\w+)\}/g, ':$1');
    router.register(path, methodsOf(route.method), async (ctx) => {
      const context = ctx as unknown as ApiContext;
      context.state.route = route.path;
      requireScope(principalOf(context), route.scope);
      await route.handle(context);
    });
  }
  return router;
}

/** The methods that `path` answers to, for a 405; undefined when there is no such route. */
export function allowedMethods(router: Router, path: string): string[] | undefined {
  const { path: matched } = router.match(path, 'TRACE');
  const methods = new Set(matched.flatMap((layer) => layer.methods));
  return methods.size === 0 ? undefined : [...methods].sort();
}

/** The answer to a request that no route took. */
export function noRoute(router: Router, ctx: { path: string; method: string }): ApiError {
  const allowed = allowedMethods(router, ctx.path);
  if (allowed === undefined) return new ApiError('NOT_FOUND', 'There is no such route');
  const Allow = allowed.join(', ');
  return new ApiError('METHOD_NOT_ALLOWED', `${ctx.method} is not allowed here; ${Allow} are`, [], { Allow });
}

/** Where the first parameter stands; paths that begin with more fixed text come first. */
function parameterPosition(path: string): number {
  const index = path.indexOf('{');
  return index === -1 ? Number.NEGATIVE_INFINITY : -index;
}

function methodsOf(method: Method): string[] {
  return method === 'GET' ? ['GET', 'HEAD'] : [method];
}
