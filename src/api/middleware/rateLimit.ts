// Limits requests by organization in two windows, an hour and a minute, and failed
// authentications by address. Counters live in memory, by rate-limiter-flexible, and are saved now
// and then; where copies of the service share a store, those of organizations are shared.

import type { Middleware } from 'koa';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { Counters, SavedCounter } from '../../ports/counterStore.js';
import { principalOf, type ApiContext } from '../context.js';
import { ApiError } from '../errors.js';
import { BlockLimiter, type Standing } from './blockLimiter.js';

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
    failures: { count: async (address) => refuseBeyond(failures, await failures?.limiter.spend(address)) },
    load: async (now) => {
      if (counters.shared) return;
      for (const counter of await counters.store.load(now)) restore(windows, counter);
    },
    save: async (now) => (counters.shared ? counters.store.sweep(now) : counters.store.save(windows.flatMap((window) => dump(window, now)))),
    middleware: charge(hour, minute),
  };
}

interface Window {
  name: string;
  limiter: BlockLimiter;
  /** Its counters, where they are this process's. */
  memory: RateLimiterMemory | null;
}

/** Counters of its own when `counters` are null. */
function windowOf(name: string, limit: number, seconds: number, counters: Counters | null): Window | null {
  if (limit === 0) return null;
  if (counters?.shared === true) {
    const take = (key: string, points: number) => counters.store.add(`${name}:${key}`, points, seconds * 1_000, new Date());
    return { name, limiter: new BlockLimiter(limit, take), memory: null };
  }
  const memory = new RateLimiterMemory({ keyPrefix: name, points: limit, duration: seconds });
  const limiter = new BlockLimiter(limit, async (key, points) => {
    const { consumedPoints, msBeforeNext } = await memory.penalty(key, points);
    return { points: consumedPoints, expiresAt: Date.now() + msBeforeNext };
  });
  return { name, limiter, memory };
}

/** Charges a request to the minute and then to the hour, which is not charged for what the minute refuses. */
function charge(hour: Window | null, minute: Window | null): Middleware {
  return (context, next) => {
    const ctx = context as ApiContext;
    const { organizationId } = principalOf(ctx);
    return whenKnown(minute?.limiter.spend(organizationId), (ofMinute) => {
      if (ofMinute?.passes === false && hour !== null) tell(ctx, hour, hour.limiter.look(organizationId));
      refuseBeyond(minute, ofMinute);
      return whenKnown(hour?.limiter.spend(organizationId), (ofHour) => {
        if (hour !== null && ofHour !== undefined) tell(ctx, hour, ofHour);
        refuseBeyond(hour, ofHour);
        return next();
      });
    });
  };
}

/** Goes on with what is known at once, or soon: most requests need not wait. */
function whenKnown<Known, Result>(known: Known | Promise<Known>, goOn: (known: Known) => Promise<Result>): Promise<Result> {
  return known instanceof Promise ? known.then(goOn) : goOn(known);
}

/** @throws ApiError 429 when a window's share is spent */
function refuseBeyond(window: Window | null, standing: Standing | undefined): void {
  if (window === null || standing === undefined || standing.passes) return;
  throw new ApiError('RATE_LIMIT_EXCEEDED', `More than ${window.limiter.limit} ${described[window.name] ?? ''}`, [], {
    'Retry-After': String(Math.max(1, Math.ceil((standing.endsAt - Date.now()) / 1_000))),
  });
}

const described: Record<string, string> = {
  hour: 'requests in an hour',
  minute: 'requests in a minute',
  auth: 'failed authentications in a minute',
};

/** They speak of the hour, as the spec says. */
function tell({ state: { head } }: ApiContext, { limiter: { limit } }: Window, standing: Standing | null): void {
  head.push('X-RateLimit-Limit', String(limit));
  head.push('X-RateLimit-Remaining', String(standing?.remaining ?? limit));
  head.push('X-RateLimit-Reset', String(Math.ceil((standing?.endsAt ?? Date.now() + 3_600_000) / 1_000)));
}

/** What is spent: points that are taken and not spent would be lost by a restart. */
function dump({ name, limiter, memory }: Window, now: Date): SavedCounter[] {
  return (memory?.dump().storage ?? []).flatMap(({ key, value, expiresAt }) =>
    expiresAt === null || expiresAt <= now.getTime() ? [] : [{ key: `${name}:${key}`, points: value - limiter.unspent(String(key)), expiresAt }],
  );
}

function restore(windows: readonly Window[], { key, points, expiresAt }: SavedCounter): void {
  const window = windows.find(({ name }) => key.startsWith(`${name}:`));
  if (window === undefined || window.memory === null) return;
  const storage = [{ key: key.slice(window.name.length + 1), value: points, expiresAt }];
  window.memory.restore({ version: 1, storage });
}
