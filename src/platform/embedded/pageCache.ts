// Pages of histories as they were answered, kept in memory when they are asked for again: SQLite puts
// a hundred entries together in twice the time that all the rest of an answer takes. Whoever changes a
// document, and with it its history, says so here, within the same transaction.

import { LRUCache } from 'lru-cache';
import type { HistoryPage } from '../../ports/historyStore.js';

/** Of all pages together. */
const KEPT_BYTES = 16_000_000;
/** What a page takes besides its content. */
const PAGE_BYTES = 500;
/** Of one document: more are asked for by who goes through it, and not again. */
const KEPT_PAGES = 8;
/** How many pages asked for last are known: one asked for again is kept, and none of who goes through all contacts. */
const KNOWN_PAGES = 256;

/** Which page: up to `limit` entries after revision `after`. */
export interface PageAsked {
  after: number;
  limit: number;
}

export class PageCache {
  /** The pages of each document, by what was asked for. */
  private readonly documents = new LRUCache<string, ReadonlyMap<string, HistoryPage>>({
    maxSize: KEPT_BYTES,
    sizeCalculation: (pages) => [...pages.values()].reduce((sum, { content }) => sum + content.length + PAGE_BYTES, 0),
  });

  private readonly askedBefore = new LRUCache<string, true>({ max: KNOWN_PAGES });

  get(collection: number, id: string, { after, limit }: PageAsked): HistoryPage | undefined {
    return this.documents.get(`${collection}/${id}`)?.get(`${after}/${limit}`);
  }

  /** Keeps a page that was asked for shortly before, too. */
  keep(collection: number, id: string, { after, limit }: PageAsked, page: HistoryPage): void {
    const [key, part] = [`${collection}/${id}`, `${after}/${limit}`];
    const name = `${key}/${part}`;
    if (!this.askedBefore.has(name)) {
      this.askedBefore.set(name, true);
      return;
    }
    const others = this.documents.get(key) ?? [];
    this.documents.set(key, new Map([...others, [part, page] as const].slice(-KEPT_PAGES)));
  }

  /** That a document changed: each change is an entry, and an erasure rewrites them all. */
  forget(collection: number, id: string): void {
    this.documents.delete(`${collection}/${id}`);
  }

  forgetAll(): void {
    this.documents.clear();
  }
}
