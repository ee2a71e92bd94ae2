// Documents as reads have shown them, kept in memory: asking SQLite and reading JSON was a fifth of
// what a GET costs. Whoever changes documents says so here, within the same transaction. One with a
// reference that dangles is not kept: what it refers to may be yet to be projected.

import { LRUCache } from 'lru-cache';
import type { Entity } from '../../domain/entity.js';
import { weightOf } from '../../domain/json.js';
import type { Shown } from '../../ports/readStore.js';

const KEPT = 5_000;
/** Of all of them: most take about 3 kB, one of the largest there can be a thousand times that. */
const KEPT_BYTES = 32_000_000;

export class ShownCache {
  private readonly documents = new LRUCache<string, Shown<Entity>>({
    max: KEPT,
    maxSize: KEPT_BYTES,
    // Twice: an answer that was made of it is kept as long as it is.
    sizeCalculation: ({ document }) => 2 * weightOf(document),
  });

  get(collection: number, id: string): Shown<Entity> | undefined {
    return this.documents.get(`${collection}/${id}`);
  }

  keep(collection: number, id: string, shown: Shown<Entity>): void {
    this.documents.set(`${collection}/${id}`, shown);
  }

  /** That one document changed. */
  forget(collection: number, id: string): void {
    this.documents.delete(`${collection}/${id}`);
  }

  /** That a document went that others may refer to, so that they are shown otherwise. */
  forgetAll(): void {
    this.documents.clear();
  }
}
