// Checks what came against a schema, and names every field that is wrong.

import type { z } from 'zod';
import type { FieldIssue } from '../domain/decision.js';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.js';
import { ApiError, DETAILS_MAX, validationError } from './errors.js';

/**
 * The value as the schema makes it. `whole` is what an issue with the value itself is called.
 * @throws ApiError VALIDATION_ERROR with one detail a wrong field
 */
export function validate<Schema extends z.ZodType>(schema: Schema, value: unknown, whole: string): z.infer<Schema> {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  throw validationError(parsed.error.issues.flatMap((issue) => toDetails(issue, whole)));
}

/** How many items a list of a body may have: a schema looks at each, and tells of each that is wrong. */
export const ITEMS_MAX = 100;
export const TOO_MANY_ITEMS = `Must hold at most ${ITEMS_MAX} items`;

/**
 * As `validate`, of a request's body. `alsoWrong` is asked about what is left of a body that does
 * not fit once the wrong fields are out of it, and may name more.
 * @throws ApiError VALIDATION_ERROR with one detail a wrong field
 */
export async function validateBody<Schema extends z.ZodType>(
  schema: Schema,
  body: unknown,
  alsoWrong: ((rest: JsonObject) => Promise<FieldIssue[]>) | undefined,
): Promise<z.infer<Schema>> {
  const long = Object.entries(isJsonObject(body) ? body : {}).filter(([, value]) => Array.isArray(value) && value.length > ITEMS_MAX);
  if (long.length > 0) throw validationError(long.map(([field]) => ({ field, message: TOO_MANY_ITEMS })));
  try {
    return validate(schema, body, 'body');
  } catch (error) {
    if (!(error instanceof ApiError) || alsoWrong === undefined || !isJsonObject(body) || error.details.length === DETAILS_MAX) throw error;
    const wrong = new Set(error.details.map(({ field }) => field));
    throw validationError([...error.details, ...(await alsoWrong(without(body, wrong)))]);
  }
}

/** `object`, whose own fields' names follow `prefix`, without those that are `wrong` and lists that hold one. */
function without(object: JsonObject, wrong: ReadonlySet<string>, prefix = ''): JsonObject {
  const left = Object.entries(object).flatMap(([key, value]): [string, Json][] => {
    const field = prefix + key;
    if (wrong.has(field) || (Array.isArray(value) && value.some((_item, index) => wrong.has(`${field}.${index}`)))) return [];
    return [[key, isJsonObject(value) ? without(value, wrong, `${field}.`) : value]];
  });
  return Object.fromEntries(left);
}

function toDetails(issue: z.core.$ZodIssue, whole: string): FieldIssue[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ field: fieldName([...issue.path, key], whole), message: 'No such field' }));
  }
  const missing = issue.code === 'invalid_type' && issue.input === undefined;
  return [{ field: fieldName(issue.path, whole), message: missing ? 'Is required' : issue.message }];
}

function fieldName(path: readonly PropertyKey[], whole: string): string {
  return path.length === 0 ? whole : path.map(String).join('.');
}
