// What a route is: how it is asked, what it answers, who may, and what it does. The same schemas
// check requests and describe them. Routes become a router: fixed paths first, every other method 405.

import Router from '@koa/router';
import type { z } from 'zod';
import { readJsonBody } from './body.js';
import type { ApiContext } from './context.js';
import { principalOf } from './context.js';
import { ApiError, validationError, type ErrorCode } from './errors.js';
import type { HeaderName, RequestHeader } from './openapi/headers.js';
import type { Tag } from './openapi/tags.js';
import { requireScope, type Scope } from './principal.js';
import { noParameters } from './schemas/queries.js';
import { validate } from './validate.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What the reference says of an operation. */
export interface Description {
  /** Its name in generated clients; unique. */
  id: string;
  tag: Tag;
  /** A few words. */
  summary: string;
  /** What else is worth knowing, in CommonMark. */
  description?: string;
  /** The answers that are no errors, by status. */
  responses: Readonly<Record<number, ResponseDescription>>;
}

export interface ResponseDescription {
  description: string;
  /** What the body is; without one there is no body. */
  schema?: z.ZodType;
  /** The body's media type; application/json unless said otherwise. */
  mediaType?: string;
  example?: unknown;
  /** What else the body may be, by media type, as the request's `Accept` asks. */
  alternatives?: Readonly<Record<string, { schema: z.ZodType; example?: unknown }>>;
  /** Headers that it always has, besides those of every answer. */
  headers?: readonly HeaderName[];
  /** Headers that it may have. */
  mayHave?: readonly HeaderName[];
}

/** A parameter of the path. */
export interface PathParameter {
  schema: z.ZodType;
  description: string;
  example: string;
}

/** What a request holds once it is checked. `raw`: the body's bytes. */
export interface Input<Query, Body> {
  query: Query;
  body: Body;
  raw: Buffer;
}

export interface RouteDefinition<Query extends z.ZodType, Body extends z.ZodType> extends Description {
  method: Method;
  /** Below the base path, parameters in braces. */
  path: string;
  /** What the token must allow. */
  scope: Scope;
  /** What each parameter of the path is; `handle` refuses those that are none. */
  params?: Readonly<Record<string, PathParameter>>;
  /** Checks the query; without one there are no parameters. */
  query?: Query;
  /** Checks the body; one that accepts undefined makes it optional. Without one the body is not read. */
  body?: Body;
  bodyExample?: unknown;
  /** Request headers it heeds, besides those of every request. */
  accepts?: readonly RequestHeader[];
  /** What it refuses, besides what every route may. */
  errors?: readonly ErrorCode[];
  handle: (ctx: ApiContext, input: Input<z.output<Query>, z.output<Body>>) => Promise<void>;
}

/** A route of which only the router, which checks what came, knows the types of its input. */
export type Route = RouteDefinition<z.ZodType, z.ZodType>;

/** A route as written, the types of its input inferred from its schemas. */
export function route<Query extends z.ZodType = typeof noParameters, Body extends z.ZodType = z.ZodUndefined>(
  definition: RouteDefinition<Query, Body>,
): Route {
  return definition as unknown as Route;
}

export const BASE_PATH = '/api/v1';

/** The router of `routes`, in their order but that paths without parameters are tried first. */
export function routerOf(routes: readonly Route[]): Router {
  const router = new Router({ prefix: BASE_PATH });
  const fixed = new Set(routes.filter(isFixed).map(({ path }) => BASE_PATH + path));
  const ordered = [...routes].sort((a, b) => parameterPosition(a.path) - parameterPosition(b.path));
  for (const one of ordered) {
    const path = one.path.replaceAll(/\{(\w+)\}/g, ':$1');
    router.register(path, methodsOf(one.method), async (ctx) => {
      // A fixed path is no parameter's value, whatever the method.
      if (!isFixed(one) && fixed.has(ctx.path)) throw noRoute(router, ctx);
      const context = ctx as unknown as ApiContext;
      context.state.route = one.path;
      requireScope(principalOf(context), one.scope);
      await one.handle(context, await inputOf(context, one));
    });
  }
  return router;
}

/** What the request holds. @throws ApiError when it does not fit the route's schemas */
async function inputOf(ctx: ApiContext, { query, body }: Route): Promise<Input<unknown, unknown>> {
  const parameters = validate(query ?? noParameters, ctx.query, 'query');
  if (body === undefined) return { query: parameters, body: undefined, raw: Buffer.alloc(0) };
  const { raw, value } = await readJsonBody(ctx);
  if (value === undefined && isRequired(body)) {
    throw validationError([{ field: 'body', message: 'Is required, as a JSON object' }]);
  }
  return { query: parameters, body: validate(body, value, 'body'), raw };
}

/** Whether a body of this schema must be sent. */
export function isRequired(schema: z.ZodType): boolean {
  return schema.type !== 'optional';
}

/** The methods that `path` answers to, for a 405; undefined when there is no such route. */
export function allowedMethods(router: Router, path: string): string[] | undefined {
  const { path: matched } = router.match(path, 'TRACE');
  const fixed = matched.filter((layer) => layer.path === path);
  const methods = new Set((fixed.length > 0 ? fixed : matched).flatMap((layer) => layer.methods));
  return methods.size === 0 ? undefined : [...methods].sort();
}

/** The answer to a request that no route took. */
export function noRoute(router: Router, ctx: { path: string; method: string }): ApiError {
  const allowed = allowedMethods(router, ctx.path);
  return allowed === undefined ? new ApiError('NOT_FOUND', 'There is no such route') : methodNotAllowed(ctx.method, allowed);
}

/** The answer to a method that a path does not have. */
export function methodNotAllowed(method: string, allowed: readonly string[]): ApiError {
  const Allow = allowed.join(', ');
  return new ApiError('METHOD_NOT_ALLOWED', `${method} is not allowed here; ${Allow} are`, [], { Allow });
}

function isFixed({ path }: { path: string }): boolean {
  return !path.includes('{');
}

/** Where the first parameter stands; paths that begin with more fixed text come first. */
function parameterPosition(path: string): number {
  const index = path.indexOf('{');
  return index === -1 ? Number.NEGATIVE_INFINITY : -index;
}

function methodsOf(method: Method): string[] {
  return method === 'GET' ? ['GET', 'HEAD'] : [method];
}
