// The descriptions of the API and of its events, for machines. Each is made when first asked for,
// and stays the same.

import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { JsonObject } from '../../domain/json.js';
import { asyncApiDocument } from '../asyncapi/document.js';
import { clientHas } from '../etag.js';
import { FixedText } from '../fixedText.js';
import type { PublicRoute } from '../publicRoutes.js';

const MAX_AGE_S = 300;

/** GET /openapi.json, which answers with the document that `describe` makes, given this route to describe, too. */
export function openApiRoute(describe: (own: PublicRoute) => JsonObject): PublicRoute {
  const own: PublicRoute = documentRoute(
    { path: '/openapi.json', id: 'getOpenApi', summary: 'This description', description: 'OpenAPI 3.1, made from the schemas that check requests.' },
    z.record(z.string(), z.unknown()).meta({ id: 'OpenApi', description: 'An OpenAPI 3.1 document.' }),
    () => describe(own),
  );
  return own;
}

/** GET /asyncapi.json: the events, and what is sent to webhook endpoints. */
export const asyncApiRoute = (): PublicRoute =>
  documentRoute(
    {
      path: '/asyncapi.json',
      id: 'getAsyncApi',
      summary: 'The description of events and webhooks',
      description: 'AsyncAPI 3.0, made from the schemas that events are checked by. The `dataschema` of an event leads into it.',
    },
    z.record(z.string(), z.unknown()).meta({ id: 'AsyncApi', description: 'An AsyncAPI 3.0 document.' }),
    asyncApiDocument,
  );

function documentRoute(what: Pick<PublicRoute, 'path' | 'id' | 'summary' | 'description'>, schema: z.ZodType, describe: () => JsonObject): PublicRoute {
  let made: { text: FixedText; etag: string } | undefined;
  return {
    ...what,
    tag: 'Service',
    responses: {
      200: { description: 'The document', schema, headers: ['ETag'] },
      304: { description: 'The client has it already', headers: ['ETag'] },
    },
    handle: (ctx) => {
      made ??= render(describe());
      ctx.set({ ETag: made.etag, 'Cache-Control': `public, max-age=${MAX_AGE_S}` });
      if (clientHas(ctx, made.etag)) {
        ctx.status = 304;
        return;
      }
      made.text.answer(ctx);
    },
  };
}

function render(document: JsonObject): { text: FixedText; etag: string } {
  const text = JSON.stringify(document);
  return { text: new FixedText(text, 'application/json'), etag: `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"` };
}
