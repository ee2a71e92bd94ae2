// What stores must do besides that several copies of the service share: fenced checkpoints, shared
// counters.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Checkpoints } from '../../src/ports/checkpoints.js';
import type { SharedCounters } from '../../src/ports/counterStore.js';

/** A store as two copies of the service see it. */
export interface Shared<Store> {
  copies: [Store, Store];
  close(): Promise<void>;
}

function useCopies<Store>(open: () => Promise<Shared<Store>>): () => [Store, Store] {
  let opened: Shared<Store>;
  beforeEach(async () => {
    opened = await open();
  });
  afterEach(() => opened.close());
  return () => opened.copies;
}

/** Runs the suite on the checkpoints that `open` makes. */
export function fencedCheckpointsContract(name: string, open: () => Promise<Shared<Checkpoints>>): void {
  describe(`checkpoints of several copies, ${name}`, () => {
    const copies = useCopies(open);

    test('are not moved by a holder whose lease another has had since', async () => {
      const [one, other] = copies();
      await one.save('work', 'p1', 1);
      await other.save('work', 'p5', 2);
      await one.save('work', 'p2', 1);
      expect(await one.load('work')).toBe('p5');
      await other.save('work', 'p6', 2);
      expect(await one.load('work')).toBe('p6');
    });

    test('are made once by copies that save at once, and end with the latest lease', async () => {
      const [one, other] = copies();
      const saves = Array.from({ length: 10 }, (_, n) => (n % 2 === 0 ? one : other).save('work', `p${n}`, n));
      await Promise.all(saves);
      expect(await one.load('work')).toBe('p9');
    });
  });
}

/** Runs the suite on the counters that `open` makes. */
export function sharedCountersContract(name: string, open: () => Promise<Shared<SharedCounters>>): void {
  describe(`shared counters, ${name}`, () => {
    const copies = useCopies(open);
    const at = (ms: number) => new Date(1_000_000 + ms);

    test('add up what all copies add within a window, and begin anew after it', async () => {
      const [one, other] = copies();
      expect(await one.add('k', 3, 1_000, at(0))).toEqual({ key: 'k', points: 3, expiresAt: at(1_000).getTime() });
      expect(await other.add('k', 4, 1_000, at(500))).toEqual({ key: 'k', points: 7, expiresAt: at(1_000).getTime() });
      expect(await other.add('K', 1, 1_000, at(500))).toMatchObject({ points: 1 });
      expect(await one.add('k', 2, 1_000, at(1_000))).toEqual({ key: 'k', points: 2, expiresAt: at(2_000).getTime() });
    });

    test('lose nothing when many add at once, also where the window begins', async () => {
      const adding = (ms: number) => Promise.all(Array.from({ length: 40 }, (_, n) => copies()[n % 2 === 0 ? 0 : 1].add('k', 1, 1_000, at(ms))));
      for (const ms of [0, 5_000]) {
        const points = (await adding(ms)).map((counter) => counter.points).sort((a, b) => a - b);
        expect(points).toEqual(Array.from({ length: 40 }, (_, n) => n + 1));
      }
    });

    test('forget what has ended when swept, and only that', async () => {
      const [one, other] = copies();
      await one.add('old', 5, 1_000, at(0));
      await one.add('new', 5, 9_000, at(0));
      await other.sweep(at(2_000));
      expect(await one.add('new', 1, 9_000, at(2_000))).toMatchObject({ points: 6 });
      expect(await one.add('old', 1, 1_000, at(0))).toMatchObject({ points: 1 });
    });
  });
}
