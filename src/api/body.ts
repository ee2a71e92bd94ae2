// Reads a request's JSON body: bounded in bytes and depth, plain data only.

import { isUtf8 } from 'node:buffer';
import type { Context } from 'koa';
import getRawBody from 'raw-body';
import secureJsonParse from 'secure-json-parse';
import type { FieldIssue } from '../domain/decision.js';
import { ApiError, DETAILS_MAX, FIELD_MAX, validationError } from './errors.js';

export const BODY_MAX_BYTES = 262_144;
export const BODY_MAX_DEPTH = 32;

/** A body as it came, and what it holds; undefined when there is none. */
export interface JsonBody {
  raw: Buffer;
  value: unknown;
}

/**
 * The request's body.
 * @throws ApiError 413 when it is too large, 415 when it is not JSON, VALIDATION_ERROR when it cannot be read
 */
export async function readJsonBody(ctx: Context): Promise<JsonBody> {
  // Some clients say so of what is not encoded.
  if (!['', 'identity'].includes(ctx.get('Content-Encoding').toLowerCase())) {
    throw new ApiError('UNSUPPORTED_MEDIA_TYPE', 'The body must be sent without Content-Encoding');
  }
  const raw = await readBytes(ctx);
  if (raw.length === 0) return { raw, value: undefined };
  if (!ctx.is('application/json', 'application/merge-patch+json')) {
    throw new ApiError('UNSUPPORTED_MEDIA_TYPE', 'The body must be JSON, with Content-Type: application/json');
  }
  const value = parse(raw);
  if (!isSound(value, 1)) throw validationError(inspect(value));
  return { raw, value };
}

async function readBytes(ctx: Context): Promise<Buffer> {
  try {
    return await getRawBody(ctx.req, { length: ctx.req.headers['content-length'] ?? null, limit: BODY_MAX_BYTES });
  } catch (error) {
    if ((error as { type?: string }).type === 'entity.too.large') {
      ctx.set('Connection', 'close');
      throw new ApiError('PAYLOAD_TOO_LARGE', `The body must be at most ${BODY_MAX_BYTES} bytes`);
    }
    throw wrongBody('Could not be read to its end');
  }
}

function parse(raw: Buffer): unknown {
  try {
    if (isUtf8(raw)) return secureJsonParse.parse(raw.toString());
  } catch (error) {
    const forbidden = error instanceof SyntaxError && error.message.includes('forbidden prototype property');
    if (forbidden) throw wrongBody('Holds a forbidden key (__proto__ or constructor.prototype)');
  }
  throw wrongBody('Must be well-formed JSON in UTF-8');
}

const wrongBody = (message: string) => validationError([{ field: 'body', message }]);

/** Whether nothing is wrong with a value at any depth: most often nothing is, and no name of a field is needed. */
function isSound(value: unknown, depth: number): boolean {
  if (wrongScalar(value) !== null) return false;
  if (typeof value !== 'object' || value === null) return true;
  if (depth > BODY_MAX_DEPTH) return false;
  for (const key in value) {
    if (wrongKey(key) || !isSound((value as Record<string, unknown>)[key], depth + 1)) return false;
  }
  return true;
}

interface Visit {
  value: unknown;
  path: string;
  depth: number;
}

/** What is wrong with a value at any depth, until there is more than is told: too deep, text that is not Unicode, numbers that would not come back as sent. */
function inspect(root: unknown): FieldIssue[] {
  const issues: FieldIssue[] = [];
  const visits: Visit[] = [{ value: root, path: '', depth: 1 }];
  for (let visit = visits.pop(); visit !== undefined && issues.length <= DETAILS_MAX; visit = visits.pop()) {
    const { value, path, depth } = visit;
    const field = path === '' ? 'body' : path;
    const wrong = wrongScalar(value);
    if (wrong !== null) issues.push({ field, message: wrong });
    if (typeof value !== 'object' || value === null) continue;
    if (depth > BODY_MAX_DEPTH) return [{ field: 'body', message: `Must be at most ${BODY_MAX_DEPTH} levels deep` }];
    for (const [key, nested] of Object.entries(value)) {
      // What is cut off when it is told needs no copy for each that lies below it.
      const nestedPath = path === '' ? key : path.length > FIELD_MAX ? path : `${path}.${key}`;
      if (wrongKey(key)) issues.push({ field, message: 'Holds a key that is not well-formed Unicode' });
      else visits.push({ value: nested, path: nestedPath, depth: depth + 1 });
    }
  }
  return issues;
}

function wrongScalar(value: unknown): string | null {
  if (typeof value === 'string' && !value.isWellFormed()) return 'Must be well-formed Unicode';
  if (typeof value !== 'number' || Math.abs(value) <= Number.MAX_SAFE_INTEGER) return null;
  return 'Must be a number between -(2^53 - 1) and 2^53 - 1: larger ones lose digits; send them as text';
}

/** Lone surrogates, and NUL, which not every store can keep in a key. */
function wrongKey(key: string): boolean {
  return !key.isWellFormed() || key.includes('\0');
}
