// What is kept in memory is bounded, whatever is asked for and however large it is.

import { expect, test } from '@jest/globals';
import type { Contact } from '../../src/domain/contact.js';
import { Database } from '../../src/platform/embedded/database.js';
import { ShownCache } from '../../src/platform/embedded/shownCache.js';
import { temporaryFolder } from '../support/folder.js';

const shown = (document: object) => ({ document: document as Contact, revision: 0, dangling: false });
const kept = (cache: ShownCache, count: number) => Array.from({ length: count }, (_, n) => cache.get(1, String(n))).filter((one) => one !== undefined).length;

test('thousands of documents as most are, and few of the largest', () => {
  const small = new ShownCache();
  for (let n = 0; n < 5_000; n += 1) small.keep(1, String(n), shown({ id: String(n), name: 'x'.repeat(100), notes: 'y'.repeat(500) }));
  expect(kept(small, 5_000)).toBe(5_000);
  const large = new ShownCache();
  const customFields = { a: Array.from({ length: 33_000 }, () => ({})) };
  for (let n = 0; n < 100; n += 1) large.keep(1, String(n), shown({ id: String(n), customFields }));
  expect(kept(large, 100)).toBeGreaterThan(0);
  expect(kept(large, 100)).toBeLessThan(20);
});

test('one that has grown too large takes the place of what it was', () => {
  const cache = new ShownCache();
  cache.keep(1, 'a', shown({ id: 'a' }));
  cache.keep(1, 'a', shown({ id: 'a', all: Array.from({ length: 300_000 }, () => ({})) }));
  expect(cache.get(1, 'a')).toBeUndefined();
});

test('prepared statements are bounded, however many there are', () => {
  const database = new Database(`${temporaryFolder()}/test.sqlite`, []);
  for (let n = 0; n < 2_500; n += 1) expect(database.get(`SELECT ${n} AS n, ? AS given`, n)).toMatchObject({ n, given: n });
  const { statements } = database as unknown as { statements: ReadonlyMap<string, unknown> };
  expect(statements.size).toBeLessThanOrEqual(1_000);
  database.close();
});
