// Limits requests by organization in two windows, an hour and a minute, and failed
// authentications by address. Counters live in memory and are saved now and then; where copies of
// the service share a store, those of organizations are shared by taking points in blocks.

import type { Middleware } from 'koa';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Counters, SavedCounter } from '../../ports/counterStore.js';
import { ApiError } from '../errors.js';
import { principalOf, type ApiContext } from '../context.js';
import { BlockLimiter } from './blockLimiter.js';

export interface RateLimitSettings {
  RATE_LIMIT_PER_HOUR: number;
  RATE_LIMIT_PER_MINUTE: number;
  AUTH_FAILURES_PER_MINUTE: number;
}

/** Counts failed authentications. */
export interface FailureLimit {
  /** @throws ApiError 429 when the address had more than its share */
  count(address: string): Promise<void>;
}

export interface RateLimits {
  middleware: Middleware;
  failures: FailureLimit;
  /** Takes up the counters that were saved. */
  load(now: Date): Promise<void>;
  /** Saves the counters of organizations, or forgets shared ones that ended. */
  save(now: Date): Promise<void>;
}

export function rateLimits(settings: RateLimitSettings, counters: Counters): RateLimits {
  const hour = windowOf('hour', settings.RATE_LIMIT_PER_HOUR, 3_600, counters);
  const minute = windowOf('minute', settings.RATE_LIMIT_PER_MINUTE, 60, counters);
  const anyLimit = hour !== null || minute !== null;
  const failures = anyLimit ? windowOf('auth', settings.AUTH_FAILURES_PER_MINUTE, 60, null) : null;
  const windows = [hour, minute].filter((window) => window !== null);
  return {
    failures: { count: async (address) => void (failures !== null && (await consume(failures, address))) },
    load: async (now) => {
      if (counters.shared) return;
      for (const counter of await counters.store.load(now)) restore(windows, counter);
    },
    save: async (now) => (counters.shared ? counters.store.sweep(now) : counters.store.save(windows.flatMap((window) => dump(window, now)))),
    middleware: async (ctx, next) => {
      const { organizationId } = principalOf(ctx as ApiContext);
      try {
        if (minute !== null) await consume(minute, organizationId);
      } catch (error) {
        if (hour !== null) setHeaders(ctx as ApiContext, hour, await hour.limiter.get(organizationId));
        throw error;
      }
      if (hour !== null) setHeaders(ctx as ApiContext, hour, await consume(hour, organizationId));
      return next();
    },
  };
}

interface Window {
  name: string;
  limit: number;
  limiter: RateLimiterMemory | BlockLimiter;
}

/** Counters of its own when `counters` are null. */
function windowOf(name: string, limit: number, seconds: number, counters: Counters | null): Window | null {
  if (limit === 0) return null;
  const shared = counters?.shared === true ? counters.store : null;
  const limiter =
    shared === null
      ? new RateLimiterMemory({ keyPrefix: name, points: limit, duration: seconds })
      : new BlockLimiter(shared, { name, limit, windowMs: seconds * 1_000 });
  return { name, limit, limiter };
}

async function consume({ name, limit, limiter }: Window, key: string): Promise<RateLimiterRes> {
  try {
    return await limiter.consume(key);
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error;
    throw new ApiError('RATE_LIMIT_EXCEEDED', `More than ${limit} ${described[name] ?? ''}`, [], {
      'Retry-After': String(Math.max(1, Math.ceil(error.msBeforeNext / 1000))),
      ...(name === 'hour' ? headersOf(limit, error) : {}),
    });
  }
}

const described: Record<string, string> = {
  hour: 'requests in an hour',
  minute: 'requests in a minute',
  auth: 'failed authentications in a minute',
};

function setHeaders(ctx: ApiContext, { limit }: Window, state: RateLimiterRes | null): void {
  ctx.set(headersOf(limit, state));
}

/** They speak of the hour, as the spec says. */
function headersOf(limit: number, state: RateLimiterRes | null): Record<string, string> {
  const left = state?.remainingPoints ?? limit;
  const endsInMs = state?.msBeforeNext ?? 3_600_000;
  return {
    'X-RateLimit-Limit': String(limit),
    'X-RateLimit-Remaining': String(Math.max(0, left)),
    'X-RateLimit-Reset': String(Math.ceil((Date.now() + endsInMs) / 1000)),
  };
}

function dump({ name, limiter }: Window, now: Date): SavedCounter[] {
  if (limiter instanceof BlockLimiter) return [];
  return limiter.dump().storage.flatMap(({ key, value, expiresAt }) =>
    expiresAt === null || expiresAt <= now.getTime() ? [] : [{ key: `${name}:${key}`, points: value, expiresAt }],
  );
}

function restore(windows: readonly Window[], { key, points, expiresAt }: SavedCounter): void {
  const window = windows.find(({ name }) => key.startsWith(`${name}:`));
  if (window === undefined || window.limiter instanceof BlockLimiter) return;
  const storage = [{ key: key.slice(window.name.length + 1), value: points, expiresAt }];
  window.limiter.restore({ version: 1, storage });
}
