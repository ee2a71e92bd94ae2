// One route as an OpenAPI operation: its parameters, its body, and every answer it may give.

import type { Json, JsonObject } from '../../domain/json.js';
import { errorCatalog, type ErrorCode } from '../errors.js';
import type { PublicRoute } from '../publicRoutes.js';
import { isRequired, type Description, type ResponseDescription, type Route } from '../routing.js';
import type { HeaderName, RequestHeader } from './headers.js';
import type { Components } from './schemas.js';

/** What any route with a token may be refused for, or fail by. */
const everywhere = ['VALIDATION_ERROR', 'UNAUTHORIZED', 'FORBIDDEN', 'RATE_LIMIT_EXCEEDED', 'INTERNAL_SERVER_ERROR', 'SERVICE_UNAVAILABLE'] as const;
const withBody = ['PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] as const;
const withHeader: Partial<Record<RequestHeader, readonly ErrorCode[]>> = {
  'If-Match': ['PRECONDITION_FAILED'],
  'Idempotency-Key': ['CONFLICT', 'IDEMPOTENCY_KEY_REUSED'],
};

/** The headers of an error's answer, by status. */
const errorHeaders: Readonly<Record<number, { always?: readonly HeaderName[]; sometimes?: readonly HeaderName[] }>> = {
  401: { always: ['WWW-Authenticate'] },
  404: { sometimes: ['Idempotency-Replayed'] },
  405: { always: ['Allow'] },
  409: { sometimes: ['Retry-After'] },
  429: { always: ['Retry-After'] },
  503: { sometimes: ['Retry-After'] },
};

const rateLimitHeaders = ['X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset'] as const;

/** A route below the base path. */
export function operationOf(route: Route, components: Components): JsonObject {
  return {
    ...head(route),
    description: [route.description, `Needs the scope \`${route.scope}\`.`].filter(Boolean).join('\n\n'),
    parameters: [...pathParameters(route, components), ...queryParameters(route, components), ...headerParameters(route)],
    ...requestBody(route, components),
    responses: { ...successes(route, components), ...failures(codesOf(route), components) },
  };
}

/** A route outside of it, without a token. */
export function publicOperationOf(route: PublicRoute, components: Components): JsonObject {
  return {
    ...head(route),
    ...(route.description === undefined ? {} : { description: route.description }),
    security: [],
    responses: { ...successes(route, components), ...failures(['INTERNAL_SERVER_ERROR'], components) },
  };
}

const head = ({ id, tag, summary }: Description) => ({ operationId: id, tags: [tag], summary });

const refTo = (kind: string, name: string): JsonObject => ({ $ref: `#/components/${kind}/${name}` });

function pathParameters({ params = {} }: Route, components: Components): Json[] {
  return Object.entries(params).map(([name, { schema, description, example }]) => {
    return { name, in: 'path', required: true, description, schema: components.of(schema, 'input'), example };
  });
}

function queryParameters({ query }: Route, components: Components): Json[] {
  if (query === undefined) return [];
  const { properties, required } = components.of(query, 'input');
  return Object.entries(properties as JsonObject).map(([name, property]) => {
    const { description = '', ...schema } = property as JsonObject;
    return { name, in: 'query', required: Array.isArray(required) && required.includes(name), description, schema };
  });
}

function headerParameters({ accepts = [] }: Route): Json[] {
  return [...accepts, 'X-Request-Id'].map((name) => refTo('parameters', name));
}

function requestBody({ body, bodyExample }: Route, components: Components): JsonObject {
  if (body === undefined) return {};
  const schema = components.of(body, 'input');
  const content = { schema, ...(bodyExample === undefined ? {} : { example: bodyExample as Json }) };
  return { requestBody: { required: isRequired(body), content: { 'application/json': content } } };
}

/** The answers that are no errors: those of the route, and what the headers it heeds add to them. */
function successes(route: Description & Partial<Pick<Route, 'accepts' | 'method'>>, components: Components): JsonObject {
  const accepts = route.accepts ?? [];
  const limits = 'scope' in route ? rateLimitHeaders : [];
  const replayed: HeaderName[] = accepts.includes('Idempotency-Key') ? ['Idempotency-Replayed'] : [];
  const answers = Object.entries(route.responses).map(([status, response]): [string, JsonObject] => {
    const { description, headers = [], mayHave = [] } = response;
    return [status, { description, headers: headersOf(headers, [...mayHave, ...replayed, ...limits]), ...contentOf(response, components) }];
  });
  const unchanged = { description: 'The client has it already', headers: headersOf(['ETag'], limits) };
  return { ...Object.fromEntries(answers), ...(route.method === 'GET' && accepts.includes('If-None-Match') ? { 304: unchanged } : {}) };
}

function contentOf({ schema, mediaType = 'application/json', example, alternatives = {} }: ResponseDescription, components: Components): JsonObject {
  if (schema === undefined) return {};
  const media = Object.entries({ [mediaType]: { schema, example }, ...alternatives }).map(([type, one]): [string, JsonObject] => {
    return [type, { schema: components.of(one.schema, 'output'), ...(one.example === undefined ? {} : { example: one.example as Json }) }];
  });
  return { content: Object.fromEntries(media) };
}

/** Every code that a route may answer with. */
function codesOf({ errors = [], body, accepts = [] }: Route): ErrorCode[] {
  const codes = [...everywhere, ...errors, ...(body === undefined ? [] : withBody), ...accepts.flatMap((header) => withHeader[header] ?? [])];
  return [...new Set(codes)];
}

/** The answers that are errors, by status. */
function failures(codes: readonly ErrorCode[], components: Components): JsonObject {
  const statuses = [...new Set(codes.map((code) => errorCatalog[code].status))].sort((a, b) => a - b);
  return Object.fromEntries(statuses.map((status) => [status, failure(status, codes.filter((code) => errorCatalog[code].status === status), components)]));
}

/** The answer that is one of `codes`, all of one status: a component, since many operations share it. */
export function failure(status: number, codes: readonly ErrorCode[], components: Components): JsonObject {
  const name = [...codes].sort().join('-');
  const { always = [], sometimes = [] } = errorHeaders[status] ?? {};
  const schema = { allOf: [refTo('schemas', 'Error'), { type: 'object', properties: { error: { enum: [...codes] } } }] };
  components.responses[name] = {
    description: codes.map((code) => `\`${code}\`: ${errorCatalog[code].description}.`).join('\n\n'),
    headers: headersOf(always, [...sometimes, ...rateLimitHeaders]),
    content: { 'application/json': { schema, examples: Object.fromEntries(codes.map((code) => [code, refTo('examples', code)])) } },
  };
  return refTo('responses', name);
}

/** Headers that are always there are components of their own: what is required of one is part of it. */
function headersOf(always: readonly HeaderName[], sometimes: readonly HeaderName[]): JsonObject {
  const required = (['X-Request-Id', ...always] as const).map((name) => [name, refTo('headers', `${name}-Always`)]);
  const optional = sometimes.filter((name) => !always.includes(name)).map((name) => [name, refTo('headers', name)]);
  return Object.fromEntries([...required, ...optional]) as JsonObject;
}

