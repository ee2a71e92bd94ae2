// Idempotency-Key: the same POST sent again is carried out once and answered alike.

import { createHash } from 'node:crypto';
import type { CommandContext } from '../commands/handle.js';
import type { Clock, Ids } from '../ports/clock.js';
import type { IdempotencyStore, IdempotentRequest } from '../ports/idempotencyStore.js';
import { answerMade, commandContext, principalOf, type ApiContext } from './context.js';
import { ApiError, validationError } from './errors.js';
import { renderJson, renderText } from './rendered.js';

/** An answer before it is sent. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: unknown;
  /** What is answered when the request comes again, if not `body`: one that held a secret is kept without. */
  kept?: unknown;
}

export interface IdempotencyDeps {
  idempotency: IdempotencyStore;
  clock: Clock;
  ids: Ids;
  onError: (error: unknown) => void;
}

/**
 * Answers a POST by `carryOut`, once for all requests with the same key and body. Only answers
 * of commands that were carried out are kept. `about`: the contact that the answer shows, when it
 * makes none: kept answers go with whom they are about.
 * @throws ApiError 409 while one is running, 422 when the key came with another request
 */
export async function answerOnce(
  ctx: ApiContext,
  deps: IdempotencyDeps,
  raw: Buffer,
  carryOut: (context: CommandContext) => Promise<Answer>,
  about?: string,
): Promise<void> {
  const request = requestOf(ctx, raw);
  if (request === undefined) return send(ctx, await carryOut(commandContext(ctx)));
  const { idempotency, clock, ids } = deps;
  const proposed = { aggregateId: about ?? ids.next(), eventId: ids.next() };
  const at = clock.now();
  const reservation = await idempotency.reserve(request, proposed, at);
  switch (reservation.outcome) {
    case 'answered':
      ctx.set('Idempotency-Replayed', 'true');
      return send(ctx, reservation.answer);
    case 'running':
      throw new ApiError('CONFLICT', 'A request with this Idempotency-Key is still being carried out', [], { 'Retry-After': '1' });
    case 'mismatch':
      throw new ApiError('IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key came with another request before');
    case 'reserved': {
      const reserved = { ...reservation.ids, takenOver: reservation.takenOver };
      const answer = await settle(request, at, deps, () => carryOut({ ...commandContext(ctx), reserved }));
      return send(ctx, answer);
    }
  }
}

/** Carries out a request reserved `at` a time and keeps its answer; lets go of the key when it was refused. */
async function settle(request: IdempotentRequest, at: Date, deps: IdempotencyDeps, carryOut: () => Promise<Answer>): Promise<Answer> {
  const { idempotency, onError } = deps;
  const carried = await carryOut().catch(async (error: unknown) => {
    const refused = error instanceof ApiError && error.status < 500;
    await (refused ? idempotency.release(request, at) : idempotency.abandon(request, at)).catch(onError);
    throw error;
  });
  const { status, headers, body, kept = body } = carried;
  // The command is done: an answer that cannot be kept is found again by the ids it reserved.
  await idempotency.answer(request, { status, headers, body: JSON.stringify(kept) }).catch(onError);
  return carried;
}

function requestOf(ctx: ApiContext, raw: Buffer): IdempotentRequest | undefined {
  const key = ctx.headers['idempotency-key'];
  if (key === undefined) return undefined;
  // An empty one is a mistake, and not carried out unprotected.
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw validationError([{ field: 'Idempotency-Key', message: 'Must be 1 to 255 printable ASCII characters' }]);
  }
  const fingerprint = createHash('sha256').update(`${ctx.method} ${ctx.path}\n`).update(raw).digest('hex');
  return { organizationId: principalOf(ctx).organizationId, key, fingerprint };
}

function send(ctx: ApiContext, { status, headers, body }: Answer): void {
  for (const [name, value] of Object.entries(headers)) ctx.state.head.push(name, value);
  // A kept answer is JSON already.
  answerMade(ctx, typeof body === 'string' ? renderText(body) : renderJson(body), status);
}
