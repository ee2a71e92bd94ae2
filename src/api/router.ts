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
    const found = matchOf(routers.get(shapeOf(path)), path);
    if (found === undefined) throw new ApiError('NOT_FOUND', 'There is no such route');
    const { layer, captures } = found;
    if (!layer.methods.includes(method)) throw methodNotAllowed(method, layer.methods.toSorted());
    ctx.params = layer.paramNames.length === 0 ? {} : layer.params(path, captures);
    return layer.stack[0]?.(ctx as never, async () => undefined);
  };
}

/** The first layer that a path fits, tried once: a router's own way looks at all of them, and twice at the one that fits. */
function matchOf(router: Router | undefined, path: string): { layer: Layer; captures: string[] } | undefined {
  for (const layer of router?.stack ?? []) {
    const match = layer.regexp.exec(path);
    if (match !== null) return { layer, captures: match.slice(1) };
  }
  return undefined;
}

type Layer = Router['stack'][number];

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
  const start = BASE_PATH.length + 1;
  const first = path.indexOf('/', start);
  let count = 1;
  for (let at = first; at !== -1 && at < path.length - 1; at = path.indexOf('/', at + 1)) count += 1;
  return (first === -1 ? path.slice(start) : path.slice(start, first)).toLowerCase() + count;
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
