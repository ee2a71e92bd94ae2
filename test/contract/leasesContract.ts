// What every store of leases must do.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Leases } from '../../src/ports/leases.js';

/** The leases of one store as two copies of the service see them. */
export interface OpenedLeases {
  copies: [Leases, Leases];
  close(): Promise<void>;
}

const LONG = 60_000;

function useLeases(open: () => Promise<OpenedLeases>): () => [Leases, Leases] {
  let opened: OpenedLeases;
  beforeEach(async () => {
    opened = await open();
  });
  afterEach(() => opened.close());
  return () => opened.copies;
}

/** Runs the suite on the leases that `open` makes. */
export function leasesContract(name: string, open: () => Promise<OpenedLeases>): void {
  describe(`leases, ${name}`, () => {
    const copies = useLeases(open);

    test('are held by one, who renews under the same token', async () => {
      const [one, other] = copies();
      const token = await one.acquire('work', 'a', LONG);
      expect(token).toBeGreaterThan(0);
      expect(await other.acquire('work', 'b', LONG)).toBeNull();
      expect(await one.acquire('work', 'a', LONG)).toBe(token);
      expect(await other.acquire('work', 'b', LONG)).toBeNull();
    });

    test('are had by one of many who ask at once', async () => {
      const asked = Array.from({ length: 20 }, (_, n) => copies()[n % 2 === 0 ? 0 : 1].acquire('work', `h${n}`, LONG));
      expect((await Promise.all(asked)).filter((token) => token !== null)).toHaveLength(1);
    });

    test('are taken at once when they were let go of, which only the holder can', async () => {
      const [one, other] = copies();
      await one.acquire('work', 'a', LONG);
      await other.release('work', 'b');
      expect(await other.acquire('work', 'b', LONG)).toBeNull();
      await one.release('work', 'a');
      expect(await other.acquire('work', 'b', LONG)).not.toBeNull();
      expect(await one.acquire('work', 'a', LONG)).toBeNull();
    });

    test('have nothing to do with one another', async () => {
      const [one, other] = copies();
      expect(await one.acquire('work', 'a', LONG)).not.toBeNull();
      expect(await other.acquire('Work', 'b', LONG)).not.toBeNull();
    });
  });
}

/** Runs the suite on leases of copies of the service that may die. */
export function lapsingLeasesContract(name: string, open: () => Promise<OpenedLeases>): void {
  describe(`leases that lapse, ${name}`, () => {
    const copies = useLeases(open);

    test('pass to another under a greater token once their holder no longer renews them, and not before', async () => {
      const [one, other] = copies();
      const duration = 400;
      const first = await one.acquire('work', 'a', duration);
      for (let renewals = 0; renewals < 5; renewals += 1) {
        expect(await other.acquire('work', 'b', duration)).toBeNull();
        await sleep(duration / 4);
        // On a machine too busy to renew in time the lease is rightly lost: then there is nothing to see.
        if ((await one.acquire('work', 'a', duration)) === null) return;
      }
      const silent = performance.now();
      let second = await other.acquire('work', 'b', duration);
      while (second === null) {
        await sleep(20);
        second = await other.acquire('work', 'b', duration);
      }
      expect(performance.now() - silent).toBeGreaterThanOrEqual(duration);
      expect(second).toBeGreaterThan(first as number);
      expect(await one.acquire('work', 'a', duration)).toBeNull();
    });

    test('count up their tokens with every holder', async () => {
      const [one, other] = copies();
      const tokens: (number | null)[] = [];
      for (const [leases, holder] of [[one, 'a'], [other, 'b'], [one, 'a']] as const) {
        tokens.push(await leases.acquire('work', holder, LONG));
        await leases.release('work', holder);
      }
      expect(tokens).toEqual([1, 2, 3]);
    });
  });
}
