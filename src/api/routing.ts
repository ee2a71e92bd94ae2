// What a route is: how it is asked, what it answers, who may, and what it does. The same schemas
// check requests and describe them.

import type { z } from 'zod';
import type { FieldIssue } from '../domain/decision.js';
import type { JsonObject } from '../domain/json.js';
import type { ApiContext } from './context.js';
import { ApiError, type ErrorCode } from './errors.js';
import type { HeaderName, RequestHeader } from './openapi/headers.js';
import type { Tag } from './openapi/tags.js';
import type { Scope } from './principal.js';
import type { noParameters } from './schemas/queries.js';

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
  /** What else is wrong with a body that does not fit, of its fields that do: what only the stored state can tell. */
  alsoWrong?: (ctx: ApiContext, rest: JsonObject) => Promise<FieldIssue[]>;
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

/** Whether a body of this schema must be sent. */
export function isRequired(schema: z.ZodType): boolean {
  return schema.type !== 'optional';
}

/** The answer to a method that a path does not have. */
export function methodNotAllowed(method: string, allowed: readonly string[]): ApiError {
  const Allow = allowed.join(', ');
  return new ApiError('METHOD_NOT_ALLOWED', `${method} is not allowed here; ${Allow} are`, [], { Allow });
}
