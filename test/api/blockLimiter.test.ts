// The rate limiter of several copies: shared points taken in blocks.

import { expect, test } from '@jest/globals';
import { BlockLimiter, type TakePoints } from '../../src/api/middleware/blockLimiter.js';

/** A counter in memory that copies share; `asked` counts the requests to it. */
function counter(windowMs = 60_000) {
  const known = new Map<string, { points: number; expiresAt: number }>();
  const shared = { asked: 0, limiter: (limit: number) => new BlockLimiter(limit, take) };
  const take: TakePoints = async (key, points) => {
    shared.asked += 1;
    const running = known.get(key);
    const now = Date.now();
    const state = running !== undefined && running.expiresAt > now ? running : { points: 0, expiresAt: now + windowMs };
    state.points += points;
    known.set(key, state);
    const answer = { ...state };
    await Promise.resolve();
    return answer;
  };
  return shared;
}

/** How many of `tries` at once pass. */
async function passed(limiter: BlockLimiter, key: string, tries: number): Promise<number> {
  const outcomes = await Promise.all(Array.from({ length: tries }, () => limiter.spend(key)));
  return outcomes.filter(({ passes }) => passes).length;
}

test('one copy lets pass exactly the limit, and asks once a block', async () => {
  const shared = counter();
  const limiter = shared.limiter(1_000);
  expect((await limiter.spend('acme')).remaining).toBe(999);
  expect(await passed(limiter, 'acme', 1_500)).toBe(999);
  expect(shared.asked).toBe(100);
  expect(await passed(limiter, 'acme', 100)).toBe(0);
  expect(shared.asked).toBe(100);
  expect(limiter.look('acme')).toMatchObject({ passes: false, remaining: 0 });
  expect(limiter.look('other')).toBeNull();
  expect(await passed(limiter, 'other', 10)).toBe(10);
});

test('what is at hand is spent at once, and what is not, is known', async () => {
  const limiter = counter().limiter(1_000);
  expect(limiter.unspent('acme')).toBe(0);
  const first = limiter.spend('acme');
  expect(first).toBeInstanceOf(Promise);
  await first;
  expect(limiter.unspent('acme')).toBe(9);
  expect(limiter.spend('acme')).toMatchObject({ passes: true, remaining: 998 });
  expect(limiter.unspent('acme')).toBe(8);
});

test('three copies together never let pass more than the limit, and at most a hundredth each is left', async () => {
  const shared = counter();
  const copies = Array.from({ length: 3 }, () => shared.limiter(1_005));
  const uneven = await Promise.all(copies.map((limiter, n) => passed(limiter, 'acme', [37, 411, 55][n] as number)));
  const rest = await Promise.all(copies.slice(0, 1).map((limiter) => passed(limiter, 'acme', 2_000)));
  const total = [...uneven, ...rest].reduce((sum, count) => sum + count, 0);
  expect(total).toBeLessThanOrEqual(1_005);
  expect(total).toBeGreaterThanOrEqual(1_005 - 2 * 10);
});

test('a small limit is shared to the point', async () => {
  const shared = counter();
  const copies = Array.from({ length: 2 }, () => shared.limiter(7));
  const counts = await Promise.all(copies.map((limiter) => passed(limiter, 'acme', 20)));
  expect((counts[0] as number) + (counts[1] as number)).toBe(7);
});

test('begins anew when the window has ended', async () => {
  const limiter = counter(50).limiter(2);
  expect(await passed(limiter, 'acme', 5)).toBe(2);
  let next = 0;
  while (next === 0) next = await passed(limiter, 'acme', 1);
  expect(next).toBe(1);
});
