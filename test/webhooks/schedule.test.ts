// When a failed delivery is tried again, and whose turn it is to be sent one.

import { describe, expect, test } from '@jest/globals';
import { retryAfter, retryDelay, retrySchedule, STANDARD_SCHEDULE } from '../../src/webhooks/schedule.js';
import { Slots } from '../../src/webhooks/slots.js';

const now = new Date('2026-03-01T10:00:00.000Z');
const DAY = 24 * 3_600_000;

describe('Retry-After', () => {
  test.each([
    ['a number of seconds', '120', 120_000],
    ['seconds with spaces around them', ' 120 ', 120_000],
    ['a date, as HTTP writes it', 'Sun, 01 Mar 2026 10:05:00 GMT', 300_000],
    ['a number of more than a day', '86401', DAY],
    ['a date beyond tomorrow', 'Tue, 03 Mar 2026 10:00:00 GMT', DAY],
    ['nothing, where it is no seconds', '0', null],
    ['nothing, where the date is past', 'Sun, 01 Mar 2026 09:59:59 GMT', null],
    ['nothing, where it is not understood', 'soon', null],
    ['nothing, where it is empty', '', null],
    ['nothing, where there is none', undefined, null],
  ])('asks for %s', (_what, header, ms) => expect(retryAfter(header, now)).toBe(ms));
});

test('a schedule may name the first try, which is at once, and ends after its last delay', () => {
  expect(retrySchedule(undefined)).toBe(STANDARD_SCHEDULE);
  expect([retrySchedule([0, 5, 10]), retrySchedule([5, 10]), retrySchedule([])]).toEqual([[5, 10], [5, 10], []]);
  expect([1, 2, 3].map((tries) => retryDelay([5, 10], tries, 0))).toEqual([5_000, 10_000, null]);
});

describe('four slots, two for an organization', () => {
  /** Work that ends when it is told to, and what of it has begun. */
  function given() {
    const [slots, begun, ends] = [new Slots(4, 2), [] as string[], new Map<string, () => void>()];
    const use = (name: string, { suspect = false } = {}) =>
      void slots.use(name.slice(0, 1), suspect, () => {
        begun.push(name);
        return new Promise<void>((resolve) => ends.set(name, resolve));
      });
    const settled = () => new Promise((resolve) => setImmediate(resolve));
    const end = async (name: string) => {
      ends.get(name)?.();
      await settled();
    };
    return { begun, use, end, settled };
  }

  test('go to no more than two of one, and to four in all', async () => {
    const { begun, use, end, settled } = given();
    for (const name of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) use(name);
    await settled();
    expect(begun).toEqual(['a1', 'a2', 'b1', 'c1']);
    await end('b1');
    expect(begun).toEqual(['a1', 'a2', 'b1', 'c1', 'c2']);
    await end('c1');
    expect(begun.at(-1)).toBe('c2');
    await end('a2');
    expect(begun.at(-1)).toBe('a3');
  });

  test('go round those who wait, whoever asked first and most', async () => {
    const { begun, use, end, settled } = given();
    for (const name of ['a1', 'a2', 'b1', 'b2', 'c1', 'c2', 'd1']) use(name);
    await settled();
    for (const name of ['a1', 'a2', 'b1']) await end(name);
    expect(begun).toEqual(['a1', 'a2', 'b1', 'b2', 'c1', 'd1', 'c2']);
  });

  test('go to no more than two of endpoints that failed last, and to others past them', async () => {
    const { begun, use, end, settled } = given();
    for (const name of ['a1', 'b1', 'c1']) use(name, { suspect: true });
    for (const name of ['c2', 'd1']) use(name);
    await settled();
    expect(begun).toEqual(['a1', 'b1', 'c2', 'd1']);
    await end('d1');
    expect(begun).toEqual(['a1', 'b1', 'c2', 'd1']);
    await end('a1');
    expect(begun.at(-1)).toBe('c1');
  });

  test('are free again after work that failed', async () => {
    const slots = new Slots(1, 1);
    await expect(slots.use('a', true, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    expect(await slots.use('a', true, () => Promise.resolve('done'))).toBe('done');
  });
});
