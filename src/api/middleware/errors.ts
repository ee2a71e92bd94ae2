// Turns whatever was thrown into an answer of the one error shape.

import type { Context } from 'koa';
import type { Logger } from 'pino';
import { UnreadableEventError } from '../../domain/events/registry.js';
import { UnavailableError } from '../../ports/errors.js';
import type { ApiState } from '../context.js';
import { ApiError } from '../errors.js';

/** Answers with what `error` means to the client, and logs what it must not see. */
export function answerError(ctx: Context, error: unknown, logger: Logger): void {
  const { status, headers, body, message } = toApiError(error);
  if (status >= 500) logger.error({ requestId: ctx.state.requestId, err: describe(error) }, message);
  (ctx.state as ApiState).rendered = undefined;
  ctx.status = status;
  ctx.set(headers);
  ctx.body = body;
}

/** The answer to any failure: an unexpected one says nothing of itself. */
function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof UnavailableError) {
    const message = 'A part of the service does not answer. A write may be stored; it is safe to send again with its Idempotency-Key';
    return new ApiError('SERVICE_UNAVAILABLE', message, [], { 'Retry-After': '5' });
  }
  if (error instanceof UnreadableEventError) {
    const message = 'This copy of the service cannot read what is stored, perhaps as a newer one wrote it; nothing was changed';
    return new ApiError('SERVICE_UNAVAILABLE', message, [], { 'Retry-After': '5' });
  }
  return new ApiError('INTERNAL_SERVER_ERROR', 'An unexpected error occurred');
}

/** The chain of causes, without what may hold personal data. */
function describe(error: unknown): { name: string; message: string; stack?: string | undefined; cause?: unknown } {
  if (!(error instanceof Error)) return { name: 'unknown', message: typeof error };
  const { name, message, stack, cause } = error;
  return { name, message, stack, ...(cause === undefined ? {} : { cause: describe(cause) }) };
}
