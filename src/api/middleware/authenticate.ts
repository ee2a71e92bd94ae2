// Verifies bearer tokens by koa-jwt, and remembers the good ones until they expire; those of published
// keys are verified again now and then, as a key may be withdrawn.

import type { Context, Middleware, Next } from 'koa';
import jwt from 'jsonwebtoken';
import koaJwt from 'koa-jwt';
import { LRUCache } from 'lru-cache';
import { UnavailableError } from '../../ports/errors.js';
import type { ApiState } from '../context.js';
import { ApiError } from '../errors.js';
import { principalFrom, type Principal } from '../principal.js';
import type { TokenKeys } from '../tokenKeys.js';
import type { FailureLimit } from './rateLimit.js';

const REMEMBERED_TOKENS = 10_000;

export interface AuthenticateOptions {
  keys: TokenKeys;
  issuer: string | undefined;
  audience: string | undefined;
  failures: FailureLimit;
}

interface Verified {
  principal: Principal;
  /** When the token is good no longer, in ms since 1970. */
  expiresAt: number;
  /** Until when it need not be verified again, in ms since 1970. */
  until: number;
}

export function authenticate({ keys, issuer, audience, failures }: AuthenticateOptions): Middleware {
  const verify = koaJwt({
    secret: keys.secret as never,
    algorithms: keys.algorithms,
    key: 'claims',
    isRevoked: async (_ctx, _claims, token) => demandsMore(token),
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  });
  const remembered = new LRUCache<string, Verified>({ max: REMEMBERED_TOKENS });
  return (ctx, next) => {
    const header = ctx.req.headers.authorization ?? '';
    const known = remembered.get(header);
    if (known !== undefined && Date.now() < known.until) return goOn(ctx, next, known);
    return verified(ctx, verify, keys.verifiedForMs).catch(unlessKnown(known)).then(async (made) => {
      if (made === undefined) {
        remembered.delete(header);
        throw await refuse(ctx, failures);
      }
      remembered.set(header, made);
      return goOn(ctx, next, made);
    });
  };
}

/** What is gone on with when a token cannot be verified now: what is known of it, while it is good. */
function unlessKnown(known: Verified | undefined): (error: unknown) => Verified {
  return (error) => {
    if (known !== undefined && error instanceof UnavailableError && Date.now() < known.expiresAt) return known;
    throw error;
  };
}

/** Whether a token must be refused by who does not understand an extension that it names (RFC 7515, 4.1.11); none is known here. */
function demandsMore(token: string): boolean {
  return jwt.decode(token, { complete: true })?.header.crit !== undefined;
}

function goOn(ctx: Context, next: Next, { principal, expiresAt }: Verified): Promise<unknown> {
  const state = ctx.state as ApiState;
  state.principal = principal;
  state.tokenExpiresAt = expiresAt;
  return next();
}

/** What the request's token says; undefined when it is not good. @throws UnavailableError when that cannot be told */
async function verified(ctx: Context, verify: (ctx: never, next: Next) => unknown, verifiedForMs = Number.POSITIVE_INFINITY): Promise<Verified | undefined> {
  try {
    await verify(ctx as never, async () => undefined);
  } catch (error) {
    const { originalError } = error as { originalError?: unknown };
    if (originalError instanceof UnavailableError) throw originalError;
    return undefined;
  }
  const { claims } = ctx.state as { claims: { exp?: unknown } };
  const principal = principalFrom(claims);
  if (principal === undefined) return undefined;
  const expiresAt = typeof claims.exp === 'number' ? claims.exp * 1_000 : Number.POSITIVE_INFINITY;
  return { principal, expiresAt, until: Math.min(expiresAt, Date.now() + verifiedForMs) };
}

async function refuse(ctx: Context, failures: FailureLimit): Promise<ApiError> {
  await failures.count(ctx.ip);
  return new ApiError('UNAUTHORIZED', 'Missing or invalid authentication token', [], { 'WWW-Authenticate': 'Bearer' });
}
