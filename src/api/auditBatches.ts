// Everything that the audit tells, read and written a few entries at a time: few by number, as each
// may tell of two versions of a contact as large as there are, and fewer where they prove to be long.

import type { AuditItem, AuditPage, AuditPoint } from '../ports/historyStore.js';

/** How many entries are read at a time at most. */
export const READ_ENTRIES = 50;
/** How many characters of them, as far as those before tell. */
export const READ_LENGTH = 1_000_000;
/** How many characters are written at a time, or one entry: a CSV of them takes some ten milliseconds. */
export const WRITTEN_LENGTH = 250_000;

type Read = (after: AuditPoint, limit: number) => Promise<AuditPage>;

/** The entries of `first` and of all pages after it. */
export async function* auditBatches(first: AuditPage, read: Read): AsyncGenerator<AuditItem[]> {
  yield* written(first.items);
  for (let { items, next } = first; next !== null; ) {
    ({ items, next } = await read(next, nextCount(items)));
    yield* written(items);
  }
}

/** `items`, as many at a time as are written at a time. */
export function* written(items: readonly AuditItem[]): Generator<AuditItem[]> {
  let [batch, length]: [AuditItem[], number] = [[], 0];
  for (const item of items) {
    if (batch.length > 0 && length + item.text.length > WRITTEN_LENGTH) {
      yield batch;
      [batch, length] = [[], 0];
    }
    batch.push(item);
    length += item.text.length;
  }
  if (batch.length > 0) yield batch;
}

/** How many entries to read after `items`, if they are as long as those. */
function nextCount(items: readonly AuditItem[]): number {
  const length = items.reduce((sum, { text }) => sum + text.length, 0);
  return Math.max(1, Math.min(READ_ENTRIES, Math.floor((READ_LENGTH * items.length) / Math.max(1, length))));
}
