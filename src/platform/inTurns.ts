// Work on many items without holding up others: a few thousand at a time.

import { turn } from '../ports/turns.js';

/** How many items are worked on before others have their turn: a few milliseconds. */
const AT_A_TIME = 2_000;

/** Calls `work` with each item in order. */
export async function forEachInTurns<Item>(items: Iterable<Item>, work: (item: Item) => void): Promise<void> {
  let done = 0;
  for (const item of items) {
    work(item);
    done += 1;
    if (done % AT_A_TIME === 0) await turn();
  }
}

/** The items sorted: runs of a few thousand, merged two by two. */
export async function sortInTurns<Item>(items: readonly Item[], compare: (a: Item, b: Item) => number): Promise<Item[]> {
  if (items.length <= AT_A_TIME) return [...items].sort(compare);
  let runs: Item[][] = [];
  for (let from = 0; from < items.length; from += AT_A_TIME) {
    runs.push(items.slice(from, from + AT_A_TIME).sort(compare));
    await turn();
  }
  while (runs.length > 1) {
    const merged: Item[][] = [];
    for (let index = 0; index < runs.length; index += 2) {
      const [first = [], second = []] = runs.slice(index, index + 2);
      merged.push(await merge(first, second, compare));
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

async function merge<Item>(first: Item[], second: Item[], compare: (a: Item, b: Item) => number): Promise<Item[]> {
  if (second.length === 0) return first;
  const merged: Item[] = [];
  for (let [i, j] = [0, 0]; i < first.length || j < second.length; ) {
    const fromFirst = j >= second.length || (i < first.length && compare(first[i] as Item, second[j] as Item) <= 0);
    merged.push((fromFirst ? first[i++] : second[j++]) as Item);
    if (merged.length % AT_A_TIME === 0) await turn();
  }
  return merged;
}
