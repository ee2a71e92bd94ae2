// The baseline of HTTP: a bare Koa application that answers given bytes, or a body it has parsed.

import { readFileSync } from 'node:fs';
import Koa from 'koa';
import getRawBody from 'raw-body';

const answer = process.env.ANSWER_FILE === undefined ? '' : readFileSync(process.env.ANSWER_FILE, 'utf8');

const app = new Koa();
app.use(async (ctx) => {
  if (ctx.method === 'GET') {
    ctx.type = 'application/json';
    ctx.body = answer;
    return;
  }
  ctx.status = 201;
  ctx.body = JSON.parse((await getRawBody(ctx.req)).toString()) as object;
});
app.listen(Number(process.env.PORT), '127.0.0.1');
