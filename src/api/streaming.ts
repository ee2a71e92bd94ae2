// Large answers, written as they are read: never whole in memory.

import { Readable } from 'node:stream';
import { turn } from '../ports/turns.js';

/**
 * Text that is written as it is made. Others have their turn after each piece: SQLite reads at once, and
 * a client as fast as we are is written to at once, so that a long answer would leave them none.
 */
export function streamed(pieces: AsyncIterable<string>): Readable {
  return Readable.from(inTurns(pieces), { objectMode: false });
}

async function* inTurns(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const piece of pieces) {
    yield piece;
    await turn();
  }
}

/** A JSON array of all items, after `before` and before `after`. */
export function jsonList(batches: AsyncIterable<unknown[]>, before: string, after: string): Readable {
  return streamed(listText(batches, before, after));
}

async function* listText(batches: AsyncIterable<unknown[]>, before: string, after: string): AsyncGenerator<string> {
  let separator = '';
  yield `${before}[`;
  for await (const batch of batches) {
    if (batch.length === 0) continue;
    yield separator + batch.map((item) => JSON.stringify(item)).join(',');
    separator = ',';
  }
  yield `]${after}`;
}

/** A JSON object of `fields`, and then of lists. */
export function jsonObject(fields: Record<string, string>, lists: Record<string, AsyncIterable<unknown[]>>): Readable {
  return streamed(objectText(fields, lists));
}

async function* objectText(fields: Record<string, string>, lists: Record<string, AsyncIterable<unknown[]>>): AsyncGenerator<string> {
  yield JSON.stringify(fields).slice(0, -1);
  for (const [name, batches] of Object.entries(lists)) yield* listText(batches, `,${JSON.stringify(name)}:`, '');
  yield '}';
}

/** A JSON object of lists: items that follow one another with the same key share a list. */
export function jsonGroups<Item>(batches: AsyncIterable<Item[]>, keyOf: (item: Item) => string, view: (item: Item) => unknown): Readable {
  return streamed(groupText(batches, keyOf, view));
}

async function* groupText<Item>(
  batches: AsyncIterable<Item[]>,
  keyOf: (item: Item) => string,
  view: (item: Item) => unknown,
): AsyncGenerator<string> {
  let current: string | undefined;
  yield '{';
  for await (const batch of batches) {
    let text = '';
    for (const item of batch) {
      const key = keyOf(item);
      if (key === current) text += ',';
      else text += `${current === undefined ? '' : '],'}${JSON.stringify(key)}:[`;
      current = key;
      text += JSON.stringify(view(item));
    }
    yield text;
  }
  yield current === undefined ? '}' : ']}';
}
