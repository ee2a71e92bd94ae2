// The description of the API, for machines. It is made when first asked for, and stays the same.

import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { JsonObject } from '../../domain/json.js';
import { clientHas } from '../etag.js';
import type { PublicRoute } from '../publicRoutes.js';

const MAX_AGE_S = 300;

/** GET /openapi.json, which answers with the document that `describe` makes, given this route to describe, too. */
export function openApiRoute(describe: (own: PublicRoute) => JsonObject): PublicRoute {
  let made: { text: string; etag: string } | undefined;
  const own: PublicRoute = {
    path: '/openapi.json',
    id: 'getOpenApi',
    tag: 'Service',
    summary: 'This description',
    description: 'OpenAPI 3.1, made from the schemas that check requests.',
    responses: {
      200: { description: 'The document', schema: z.record(z.string(), z.unknown()).meta({ id: 'OpenApi', description: 'An OpenAPI 3.1 document.' }), headers: ['ETag'] },
      304: { description: 'The client has it already', headers: ['ETag'] },
    },
    handle: (ctx) => {
      made ??= render(describe(own));
      ctx.set({ ETag: made.etag, 'Cache-Control': `public, max-age=${MAX_AGE_S}` });
      if (clientHas(ctx, made.etag)) {
        ctx.status = 304;
        return;
      }
      ctx.type = 'application/json';
      ctx.body = made.text;
    },
  };
  return own;
}

function render(document: JsonObject): { text: string; etag: string } {
  const text = JSON.stringify(document);
  return { text, etag: `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"` };
}
