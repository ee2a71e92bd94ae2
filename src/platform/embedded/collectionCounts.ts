// How many documents of each status a collection has: counted while a group is applied, and
// written once for all of it.

import type { Database } from './database.js';

export class CollectionCounts {
  /** What is to be added, by collection and status. */
  private readonly pending = new Map<string, number>();

  constructor(private readonly database: Database) {}

  /** Adds to a count. */
  add(collection: number, status: string, by: number): void {
    const key = `${collection}/${status}`;
    this.pending.set(key, (this.pending.get(key) ?? 0) + by);
  }

  /** Writes what was added. */
  save(): void {
    for (const [key, by] of this.pending) {
      const [collection, status] = key.split('/') as [string, string];
      this.database.run(
        `INSERT INTO collection_counts (collection, status, count) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET count = count + excluded.count`,
        Number(collection),
        status,
        by,
      );
    }
    this.pending.clear();
  }

  /** Forgets what was added and not written. */
  forget(): void {
    this.pending.clear();
  }
}
