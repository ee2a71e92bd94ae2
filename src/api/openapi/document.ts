// The OpenAPI 3.1 document of the service, made from its routes and the schemas that check and
// type what comes and goes.

import { z } from 'zod';
import type { JsonObject } from '../../domain/json.js';
import { errorCatalog, type ErrorCode } from '../errors.js';
import type { PublicRoute } from '../publicRoutes.js';
import { BASE_PATH, type Route } from '../routing.js';
import { serviceVersion } from '../version.js';
import { errorExample } from './examples.js';
import { requestHeaders, responseHeaders } from './headers.js';
import { failure, operationOf, publicOperationOf } from './operation.js';
import { Components } from './schemas.js';
import { tags } from './tags.js';
import { describeWebhooks, SENT_TAG } from './webhooks.js';

const description = `The contacts of a revenue-recognition platform: people at customers, vendors and partners, who belong to a company and report to each other.

Every request carries \`Authorization: Bearer <token>\`; the token's \`organizationId\` decides what is seen. After a 2xx, every endpoint shows the write.

- **Concurrency**: single resources have an \`ETag\`. \`If-None-Match\` gets 304; \`If-Match\` on a write gets 412 when it was changed meanwhile, as does an \`If-None-Match\` that names what is there.
- **Retries**: a \`POST\` with an \`Idempotency-Key\` is carried out once, whatever happens between.
- **Limits**: requests are limited by the hour and by the minute for each organization; \`X-RateLimit-*\` speak of the hour, and a 429 says when to go on in \`Retry-After\`.
- **Errors** all have one shape; \`details\` names every wrong field.`;

/** The body of every error. */
const errorSchema = z
  .strictObject({
    error: z.enum(Object.keys(errorCatalog) as [ErrorCode, ...ErrorCode[]]).meta({ description: 'The code of the error' }),
    message: z.string().meta({ description: 'What is wrong, for people' }),
    details: z
      .array(z.strictObject({ field: z.string(), message: z.string() }))
      .meta({ description: 'Each wrong field, of more than a thousand the first; empty when there is none' }),
  })
  .meta({ id: 'Error', description: 'The body of every error.', examples: [errorExample] });

/** The document. Paths outside of the base path name their own server. */
export function openApiDocument(routes: readonly Route[], publicRoutes: readonly PublicRoute[]): JsonObject {
  const components = new Components();
  components.of(errorSchema, 'output');
  const paths: Record<string, JsonObject> = {};
  for (const route of routes) {
    (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(route, components);
  }
  for (const route of publicRoutes.filter(({ internal }) => internal !== true)) {
    paths[route.path] = { servers: [{ url: '/' }], get: publicOperationOf(route, components) };
  }
  // Of no operation: a path that is none, and a method that a path does not have.
  for (const code of ['NOT_FOUND', 'METHOD_NOT_ALLOWED'] as const) failure(errorCatalog[code].status, [code], components);
  const used = new Set([...[...routes, ...publicRoutes].map(({ tag }) => tag), SENT_TAG]);
  return {
    openapi: '3.1.0',
    info: { title: 'Contacts API', version: serviceVersion(), description },
    servers: [{ url: BASE_PATH }],
    security: [{ bearer: [] }],
    tags: tags.filter(({ name }) => used.has(name)).map((tag) => ({ ...tag })),
    paths,
    webhooks: describeWebhooks(components),
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'HS256, RS256 or ES256, with `organizationId`, `sub` and perhaps `scope`.' },
      },
      schemas: sorted(components.schemas),
      parameters: parameterComponents(),
      headers: headerComponents(),
      examples: exampleComponents(),
      responses: sorted(components.responses),
    },
  };
}

function parameterComponents(): JsonObject {
  return Object.fromEntries(Object.entries(requestHeaders).map(([name, header]) => [name, { name, in: 'header', required: false, ...header }]));
}

function headerComponents(): JsonObject {
  const each = Object.entries(responseHeaders).flatMap(([name, header]) => [
    [name, { ...header }],
    [`${name}-Always`, { required: true, ...header }],
  ]);
  return Object.fromEntries(each) as JsonObject;
}

function exampleComponents(): JsonObject {
  const each = Object.entries(errorCatalog).map(([error, { status, description: message }]) => {
    const value = error === 'VALIDATION_ERROR' ? errorExample : { error, message, details: [] };
    return [error, { summary: message, value, 'x-status': status }];
  });
  return Object.fromEntries(each) as JsonObject;
}

function sorted(schemas: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)));
}
