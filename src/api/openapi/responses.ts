// Answers that many routes give, as the reference describes them.

import type { z } from 'zod';
import type { ResponseDescription } from '../routing.js';
import { listOf, pageOf } from '../schemas/views.js';

/** One resource, with its ETag. */
export function resourceResponse(description: string, schema: z.ZodType, example: unknown): ResponseDescription {
  return { description, schema, example, headers: ['ETag'] };
}

/** A new resource, with its ETag and where it is. */
export function createdResponse(description: string, schema: z.ZodType, example: unknown): ResponseDescription {
  return { description, schema, example, headers: ['ETag', 'Location'] };
}

/** A page of `item`s, with links to others. */
export function pageResponse(description: string, item: z.ZodType, example: unknown): ResponseDescription {
  return { description, schema: pageOf(item), example, headers: ['Link'] };
}

/** All `item`s, or a page of them, then with links to others. */
export function listResponse(description: string, item: z.ZodType, example: unknown): ResponseDescription {
  return { description, schema: listOf(item), example, mayHave: ['Link'] };
}
