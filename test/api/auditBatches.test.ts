// The audit is streamed in batches that are bounded in number and in length.

import { expect, test } from '@jest/globals';
import { auditBatches, READ_ENTRIES, READ_LENGTH, WRITTEN_LENGTH } from '../../src/api/auditBatches.js';
import type { AuditItem, AuditPage } from '../../src/ports/historyStore.js';

const lengthOf = (items: readonly AuditItem[]) => items.reduce((sum, { text }) => sum + text.length, 0);

/** Streams entries of these lengths: what was read and what was written at a time. */
async function streamed(lengths: readonly number[]) {
  const all = lengths.map((length, revision): AuditItem => ({ at: '', id: '', revision, text: 'x'.repeat(length) }));
  const read: AuditItem[][] = [];
  const page = (from: number, limit: number): Promise<AuditPage> => {
    const items = all.slice(from, from + limit);
    read.push(items);
    return Promise.resolve({ items, next: from + limit < all.length ? (items.at(-1) ?? null) : null });
  };
  const written: AuditItem[][] = [];
  for await (const batch of auditBatches(await page(0, READ_ENTRIES), ({ revision }, limit) => page(revision + 1, limit))) written.push(batch);
  expect(written.flat()).toEqual(all);
  return { read, written };
}

test('ordinary entries are read and written many at a time', async () => {
  const { read, written } = await streamed(Array<number>(1_000).fill(1_300));
  expect(read.map(({ length }) => length)).toEqual(Array<number>(20).fill(READ_ENTRIES));
  expect(written).toHaveLength(20);
});

test('no more is written at a time than is bounded, or one entry; long ones are read as far as the bound', async () => {
  const { read, written } = await streamed([...Array<number>(120).fill(200_000), WRITTEN_LENGTH + 1, 3 * READ_LENGTH, 1]);
  for (const batch of written) expect(batch.length === 1 || lengthOf(batch) <= WRITTEN_LENGTH).toBe(true);
  const [first, ...others] = read;
  expect(first).toHaveLength(READ_ENTRIES);
  for (const items of others.slice(0, 14)) expect(lengthOf(items)).toBeLessThanOrEqual(READ_LENGTH);
});

test('after long entries many short ones are read at a time again, and of none there is nothing', async () => {
  const { read } = await streamed([...Array<number>(50).fill(200_000), ...Array<number>(500).fill(100)]);
  expect(read.map(({ length }) => length)).toEqual([50, 5, ...Array<number>(9).fill(50), 45]);
  expect((await streamed([])).written).toEqual([]);
});
