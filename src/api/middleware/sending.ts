// How answers leave: objects become JSON once, and what is large is compressed.

import type { Context, Middleware } from 'koa';
import compress from 'koa-compress';

/** Answers below this many bytes are sent as they are. */
const COMPRESS_FROM_BYTES = 2_048;

export function sending(): Middleware {
  const compressor = compress({ threshold: COMPRESS_FROM_BYTES, br: false });
  return async (ctx, next) => {
    await next();
    serialise(ctx);
    // Most answers are small: they need not pass through all that finds out how to compress.
    if (typeof ctx.body === 'string' && Buffer.byteLength(ctx.body) < COMPRESS_FROM_BYTES) ctx.vary('Accept-Encoding');
    else await compressor(ctx, async () => undefined);
  };
}

/** Left to Koa, an object would be made JSON again by each who asks for its length. */
function serialise(ctx: Context): void {
  const { body } = ctx;
  if (typeof body !== 'object' || body === null || Buffer.isBuffer(body) || 'pipe' in body) return;
  ctx.set('Content-Type', 'application/json; charset=utf-8');
  ctx.body = JSON.stringify(body);
}
