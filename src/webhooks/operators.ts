// Operators for pipelines that work at their own pace: neither keeps more than it must.

import { setTimeout as sleep } from 'node:timers/promises';
import { Observable, type OperatorFunction } from 'rxjs';

/**
 * Works on an item, and meanwhile remembers only that more came: then once more, on the last of them.
 * An error of `work` is the pipeline's.
 */
export function whenIdle<Item, Result>(work: (item: Item) => Promise<Result>): OperatorFunction<Item, Result> {
  return paced<Item, Result>((waiting) => work(waiting.splice(0).at(-1) as Item), 1);
}

/** Works on items in batches: what came within `gatherMs` of the first, and while the batch before was worked on. */
export function inBatches<Item, Result>(work: (items: Item[]) => Promise<Result>, gatherMs: number): OperatorFunction<Item, Result> {
  return paced<Item, Result>(async (waiting) => {
    await sleep(gatherMs);
    return work(waiting.splice(0));
  }, Number.POSITIVE_INFINITY);
}

/** Has `take` work on what waits, one round after another, as long as something does; of more than `kept` waiting items, the last stay. */
function paced<Item, Result>(take: (waiting: Item[]) => Promise<Result>, kept: number): OperatorFunction<Item, Result> {
  return (source) =>
    new Observable((subscriber) => {
      const waiting: Item[] = [];
      let busy = false;
      let ended = false;
      const work = async () => {
        busy = true;
        try {
          while (waiting.length > 0 && !subscriber.closed) subscriber.next(await take(waiting));
          if (ended) subscriber.complete();
        } catch (error) {
          subscriber.error(error);
        } finally {
          busy = false;
        }
      };
      return source.subscribe({
        next: (item) => {
          if (waiting.length >= kept) waiting.shift();
          waiting.push(item);
          if (!busy) void work();
        },
        error: (error) => subscriber.error(error),
        complete: () => {
          ended = true;
          if (!busy) subscriber.complete();
        },
      });
    });
}
