// Checks what came against a schema, and names every field that is wrong.

import type { z } from 'zod';
import type { FieldIssue } from '../domain/decision.js';
import { validationError } from './errors.js';

/**
 * The value as the schema makes it. `whole` is what an issue with the value itself is called.
 * @throws ApiError VALIDATION_ERROR with one detail a wrong field
 */
export function validate<Schema extends z.ZodType>(schema: Schema, value: unknown, whole: string): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw validationError(parsed.error.issues.flatMap((issue) => toDetails(issue, whole)));
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
