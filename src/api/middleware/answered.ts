// How answers leave: with the headers that every answer has, errors in their one shape, objects as
// JSON, and what is large compressed.

import type { Context, Middleware } from 'koa';
import compress from 'koa-compress';
import type { Logger } from 'pino';
import type { ApiState } from '../context.js';
import { COMPRESS_FROM_BYTES } from '../fixedText.js';
import { answerBytes, layHead } from '../head.js';
import { renderText, type RenderedJson } from '../rendered.js';
import { validationError } from '../errors.js';
import { answerError } from './errors.js';
import { securityHeaders } from './securityHeaders.js';

const JSON_TYPE = 'application/json; charset=utf-8';

/** While `stopping`, each answer closes its connection. */
export function answered(logger: Logger, stopping: () => boolean): Middleware {
  const always = securityHeaders().flat();
  const compressor = compress({ threshold: COMPRESS_FROM_BYTES, br: false });
  return async (ctx, next) => {
    const state = ctx.state as ApiState;
    state.head = ['X-Request-Id', state.requestId, ...always];
    try {
      requireTarget(ctx);
      await next();
      await leave(ctx);
    } catch (error) {
      answerError(ctx, error, logger);
      await leave(ctx);
    }
  };

  async function leave(ctx: Context): Promise<void> {
    if (ctx.headerSent) return;
    const state = ctx.state as ApiState;
    // Looked at when the answer is made: a stop may have begun since the request came.
    if (stopping()) ctx.set('Connection', 'close');
    const rendered = state.rendered ?? renderBody(ctx);
    if (rendered !== undefined && (rendered.length < COMPRESS_FROM_BYTES || ctx.req.headers['accept-encoding'] === undefined)) {
      answerBytes(ctx, JSON_TYPE, rendered);
      return;
    }
    layHead(ctx);
    if (rendered !== undefined) {
      ctx.set('Content-Type', JSON_TYPE);
      ctx.body = typeof rendered === 'string' ? Buffer.from(rendered, 'latin1') : rendered;
    }
    // Most answers are small: they need not pass through all that finds out how to compress.
    const isSmall = typeof ctx.body === 'string' && ctx.length < COMPRESS_FROM_BYTES;
    if (!isSmall && takesSomeEncoding(ctx)) await compressor(ctx, async () => undefined);
  }
}

/** @throws ApiError for a whole URL as target that is none: whoever asked for its path would throw */
function requireTarget(ctx: Context): void {
  try {
    void ctx.path;
  } catch {
    throw validationError([{ field: 'url', message: 'Is not well-formed' }]);
  }
}

/** Whether the client takes any of what there is: who takes none gets the answer as it is, which is more than a refusal. */
const takesSomeEncoding = (ctx: Context): boolean => ctx.acceptsEncodings('gzip', 'deflate', 'identity') !== false;

/** A body that is to be JSON and is small; a large one is made text: left to Koa, an object would be made JSON again by each who asks for its length. */
function renderBody(ctx: Context): RenderedJson | undefined {
  const { body } = ctx;
  if (typeof body !== 'object' || body === null || Buffer.isBuffer(body) || 'pipe' in body) return undefined;
  const text = JSON.stringify(body);
  if (text.length < COMPRESS_FROM_BYTES) return renderText(text);
  ctx.body = text;
  return undefined;
}
