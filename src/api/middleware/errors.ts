// Turns whatever was thrown into an answer of the one error shape.

import type { Context, Middleware } from 'koa';
import type { Logger } from 'pino';
import { UnreadableEventError } from '../../domain/events/registry.js';
import { UnavailableError } from '../../ports/errors.js';
import { ApiError } from '../errors.js';

export function errorAnswers(logger: Logger): Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const answer = toApiError(error);
      if (answer.status >= 500) logger.error({ requestId: ctx.state.requestId, err: describe(error) }, answer.message);
      respond(ctx, answer);
    }
  };
}

/** Answers with `error`. */
export function respond(ctx: Context, error: ApiError): void {
  ctx.status = error.status;
  ctx.set(error.headers);
  ctx.body = error.body;
}

/** The answer to any failure: an unexpected one says nothing of itself. */
export function toApiError(error: unknown): ApiError {
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
