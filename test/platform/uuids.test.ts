// Ids are UUIDv7, each greater than the one before, also when the clock stands still or goes back.

import { expect, jest, test } from '@jest/globals';
import { Uuids } from '../../src/platform/uuids.js';

test('ids increase, hold the time, and none comes twice', () => {
  const ids = new Uuids();
  const now = jest.spyOn(Date, 'now');
  const at = 1_700_000_000_000;
  const made: string[] = [];
  for (const time of [at, at, at + 1, at - 1_000, at + 2]) {
    now.mockReturnValue(time);
    for (let count = 0; count < 1_000; count += 1) made.push(ids.next());
  }
  now.mockRestore();
  expect(made).toEqual([...made].sort());
  expect(new Set(made).size).toBe(made.length);
  expect(made.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(true);
  const timeOf = (id: string) => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
  expect([made[0], made[2_000], made[3_000], made.at(-1)].map((id) => timeOf(id as string))).toEqual([at, at + 1, at + 1, at + 2]);
});
