// Finds the route of a request and runs it, once what came fits the route's schemas. Fixed paths
// are tried first; every other method of a path is a 405.

import Router from '@koa/router';
import type { Middleware } from 'koa';
import { isJsonObject, type JsonObject } from '../domain/json.js';
import { readJsonBody } from './body.js';
import { principalOf, type ApiContext } from './context.js';
import { ApiError, validationError } from './errors.js';
import { requireScope } from './principal.js';
import { BASE_PATH, isRequired, methodNotAllowed, type Input, type Route } from './routing.js';
import { noParameters } from './schemas/queries.js';
import { validate, validateBody } from './validate.js';

/** Answers what `routes` answer, of requests below the base path. */
export function apiRouter(routes: readonly Route[]): Middleware {
  const routers = routersByShape(routes.map(prepared));
  return (ctx) => {
    const { path, method } = ctx;
    const layer = routers.get(shapeOf(path))?.match(path, method).path[0];
    if (layer === undefined) throw new ApiError('NOT_FOUND', 'There is no such route');
    if (!layer.methods.includes(method)) throw methodNotAllowed(method, layer.methods.toSorted());
    ctx.params = layer.params(path, layer.captures(path));
    return layer.stack[0]?.(ctx as never, async () => undefined);
  };
}

/**
 * A router for each first segment and number of segments, since each tries all of its layers on
 * every request. A layer is a path, with the methods of all its routes; the first that fits counts.
 */
function routersByShape(routes: readonly PreparedRoute[]): Map<string, Router> {
  const routers = new Map<string, Router>();
  const paths = [...new Set(routes.map(({ route }) => route.path))].sort((a, b) => parameterPosition(a) - parameterPosition(b));
  for (const path of paths) {
    const shape = shapeOf(BASE_PATH + path);
    const router = routers.get(shape) ?? new Router({ prefix: BASE_PATH });
    routers.set(shape, router);
    const ofPath = routes.filter(({ route }) => route.path === path);
    const byMethod = new Map<string, PreparedRoute>(ofPath.map((one) => [one.route.method, one]));
    router.register(path.replaceAll(/\{(\w+)\}/g, ':$1'), [...byMethod.keys()], (ctx) => run(ctx as unknown as ApiContext, byMethod));
  }
  return routers;
}

/** What all paths that could be of the same route have in common: first segment and number of segments. */
function shapeOf(path: string): string {
  const segments = path.slice(BASE_PATH.length + 1).split('/');
  const count = segments.at(-1) === '' ? segments.length - 1 : segments.length;
  return `${segments[0]?.toLowerCase()}/${count}`;
}

/** Where the first parameter stands; paths that begin with more fixed text come first. */
function parameterPosition(path: string): number {
  const index = path.indexOf('{');
  return index === -1 ? Number.NEGATIVE_INFINITY : -index;
}

interface PreparedRoute {
  route: Route;
  /** What a request without a query holds; undefined when it lacks something. */
  unasked: unknown;
}

function prepared(route: Route): PreparedRoute {
  const { data } = (route.query ?? noParameters).safeParse({});
  return { route, unasked: Object.freeze(data) };
}

function run(ctx: ApiContext, byMethod: ReadonlyMap<string, PreparedRoute>): Promise<void> {
  const found = byMethod.get(ctx.method === 'HEAD' ? 'GET' : ctx.method) as PreparedRoute;
  const { path, scope, body } = found.route;
  ctx.state.route = path;
  requireScope(principalOf(ctx), scope);
  const query = queryOf(ctx, found);
  if (body === undefined) return found.route.handle(ctx, { query, body, raw: NOTHING });
  return inputOf(ctx, query, { ...found.route, body }).then((input) => found.route.handle(ctx, input));
}

type RouteWithBody = Pick<Route, 'alsoWrong'> & { body: NonNullable<Route['body']> };

const NOTHING = Buffer.alloc(0);

/** @throws ApiError when it does not fit the route's schema */
function queryOf(ctx: ApiContext, { route, unasked }: PreparedRoute): unknown {
  if (unasked !== undefined && ctx.querystring === '') return unasked;
  return validate(route.query ?? noParameters, ctx.query, 'query');
}

/** What the request holds. @throws ApiError when it does not fit the route's schemas */
async function inputOf(ctx: ApiContext, query: unknown, { body, alsoWrong }: RouteWithBody): Promise<Input<unknown, unknown>> {
  const { raw, value } = await readJsonBody(ctx);
  if (value === undefined ? isRequired(body) : !isJsonObject(value)) {
    throw validationError([{ field: 'body', message: 'Must be a JSON object' }]);
  }
  const more = alsoWrong && ((rest: JsonObject) => alsoWrong(ctx, rest));
  return { query, body: await validateBody(body, value, more), raw };
}
