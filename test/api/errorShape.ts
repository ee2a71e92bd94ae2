// What every error answer looks like, whatever went wrong.

import { expect } from '@jest/globals';

interface ErrorReply {
  status: number;
  body: unknown;
  headers: Headers;
}

/** Expects the one error shape, with `status` and `code`, naming `fields` (none when left out). */
export function expectError(reply: ErrorReply, status: number, code: string, fields?: readonly string[]): void {
  expect({ status: reply.status, body: reply.body }).toEqual({
    status,
    body: { error: code, message: expect.stringMatching(/\S/), details: expect.any(Array) },
  });
  const { details } = reply.body as { details: { field: string; message: string }[] };
  for (const detail of details) expect(detail).toEqual({ field: expect.any(String), message: expect.stringMatching(/\S/) });
  if (fields !== undefined) expect(details.map(({ field }) => field).sort()).toEqual([...fields].sort());
  expect(reply.headers.get('X-Request-Id')).toMatch(/\S/);
  expect(reply.headers.get('Content-Type')).toMatch(/^application\/json/);
}

/** Expects a VALIDATION_ERROR that names exactly `fields`. */
export const expectInvalid = (reply: ErrorReply, ...fields: string[]) => expectError(reply, 400, 'VALIDATION_ERROR', fields);
