// The headers that answers have whatever they answer, gathered on the way: Node writes a list that it
// is given whole at half the cost of headers that are set one by one.

import type { Context } from 'koa';
import type { ApiState } from './context.js';

/** What every answer may differ by, as some are compressed. */
const VARY = 'Accept-Encoding';

/** Sets what was gathered, but for headers that were set since, for an answer that Koa or a stream writes. */
export function layHead(ctx: Context): void {
  const { res } = ctx;
  const { head } = ctx.state as ApiState;
  for (let at = 0; at < head.length; at += 2) {
    const [name, value] = [head[at] as string, head[at + 1] as string];
    if (!res.hasHeader(name)) res.setHeader(name, value);
  }
  ctx.vary(VARY);
}

/** Answers with a body whose bytes are known, past Koa, which would find out anew what they are. */
export function answerBytes(ctx: Context, type: string, body: string | Buffer): void {
  const { res } = ctx;
  const { head } = ctx.state as ApiState;
  ctx.respond = false;
  head.push('Content-Type', type, 'Content-Length', String(body.length));
  if (res.getHeaderNames().length === 0) {
    head.push('Vary', VARY);
    res.writeHead(res.statusCode, head);
  } else {
    layHead(ctx);
    res.writeHead(res.statusCode);
  }
  if (typeof body === 'string') res.end(body, 'latin1');
  else res.end(body);
}
