// How answers leave: with the headers that every answer has, errors in their one shape, objects as
// JSON, and what is large compressed.

import type { Context, Middleware } from 'koa';
import compress from 'koa-compress';
import type { Logger } from 'pino';
import { answerError } from './errors.js';
import { securityHeaders } from './securityHeaders.js';

/** Answers below this many bytes are sent as they are. */
const COMPRESS_FROM_BYTES = 2_048;

/** While `stopping`, each answer closes its connection. */
export function answered(logger: Logger, stopping: () => boolean): Middleware {
  const headers = [...securityHeaders(), ['Vary', 'Accept-Encoding']] as const;
  const compressor = compress({ threshold: COMPRESS_FROM_BYTES, br: false });
  return async (ctx, next) => {
    for (const [name, value] of headers) ctx.res.setHeader(name, value);
    try {
      await next();
    } catch (error) {
      answerError(ctx, error, logger);
    }
    serialise(ctx);
    // Most answers are small: they need not pass through all that finds out how to compress.
    if (typeof ctx.body !== 'string' || ctx.length >= COMPRESS_FROM_BYTES) await compressor(ctx, async () => undefined);
    // Looked at when the answer is made: a stop may have begun since the request came.
    if (stopping() && !ctx.headerSent) ctx.set('Connection', 'close');
  };
}

/** Left to Koa, an object would be made JSON again by each who asks for its length. */
function serialise(ctx: Context): void {
  const { body } = ctx;
  if (typeof body !== 'object' || body === null || Buffer.isBuffer(body) || 'pipe' in body) return;
  ctx.body = JSON.stringify(body);
}
