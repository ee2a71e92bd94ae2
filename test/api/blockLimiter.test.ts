// The rate limiter of several copies: shared points taken in blocks.

import { expect, test } from '@jest/globals';
import { RateLimiterRes } from 'rate-limiter-flexible';
import { BlockLimiter } from '../../src/api/middleware/blockLimiter.js';
import type { SavedCounter, SharedCounters } from '../../src/ports/counterStore.js';

/** Shared counters in memory; `asked` counts the requests to them. */
function counters(): SharedCounters & { asked: number } {
  const known = new Map<string, SavedCounter>();
  return {
    asked: 0,
    async add(key, points, windowMs, now) {
      this.asked += 1;
      const running = known.get(key);
      const counter = running !== undefined && running.expiresAt > now.getTime() ? running : { key, points: 0, expiresAt: now.getTime() + windowMs };
      counter.points += points;
      known.set(key, counter);
      const answer = { ...counter };
      await Promise.resolve();
      return answer;
    },
    async sweep() {},
  };
}

/** How many of `tries` at once pass. */
async function passed(limiter: BlockLimiter, key: string, tries: number): Promise<number> {
  const outcomes = await Promise.allSettled(Array.from({ length: tries }, () => limiter.consume(key)));
  for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(RateLimiterRes);
  return outcomes.filter(({ status }) => status === 'fulfilled').length;
}

test('one copy lets pass exactly the limit, and asks once a block', async () => {
  const store = counters();
  const limiter = new BlockLimiter(store, { name: 'hour', limit: 1_000, windowMs: 60_000 });
  expect((await limiter.consume('acme')).remainingPoints).toBe(999);
  expect(await passed(limiter, 'acme', 1_500)).toBe(999);
  expect(store.asked).toBe(100);
  expect(await passed(limiter, 'acme', 100)).toBe(0);
  expect(store.asked).toBe(100);
  expect(await limiter.get('acme')).toMatchObject({ remainingPoints: 0, consumedPoints: 1_000 });
  expect(await passed(limiter, 'other', 10)).toBe(10);
});

test('three copies together never let pass more than the limit, and at most a hundredth each is left', async () => {
  const store = counters();
  const copies = Array.from({ length: 3 }, () => new BlockLimiter(store, { name: 'hour', limit: 1_005, windowMs: 60_000 }));
  const uneven = await Promise.all(copies.map((limiter, n) => passed(limiter, 'acme', [37, 411, 55][n] as number)));
  const rest = await Promise.all(copies.slice(0, 1).map((limiter) => passed(limiter, 'acme', 2_000)));
  const total = [...uneven, ...rest].reduce((sum, count) => sum + count, 0);
  expect(total).toBeLessThanOrEqual(1_005);
  expect(total).toBeGreaterThanOrEqual(1_005 - 2 * 10);
});

test('a small limit is shared to the point', async () => {
  const store = counters();
  const copies = Array.from({ length: 2 }, () => new BlockLimiter(store, { name: 'minute', limit: 7, windowMs: 60_000 }));
  const counts = await Promise.all(copies.map((limiter) => passed(limiter, 'acme', 20)));
  expect((counts[0] as number) + (counts[1] as number)).toBe(7);
});

test('begins anew when the window has ended', async () => {
  const limiter = new BlockLimiter(counters(), { name: 'minute', limit: 2, windowMs: 50 });
  expect(await passed(limiter, 'acme', 5)).toBe(2);
  let next = 0;
  while (next === 0) next = await passed(limiter, 'acme', 1);
  expect(next).toBe(1);
});
