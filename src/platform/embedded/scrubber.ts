// Overwrites what was deleted. SQLite does so by itself within tables (`secure_delete`), but its
// log of writes keeps pages as they were, and a full-text index the words of deleted rows until it
// merges its segments. A few pages at a time, so that writers hardly notice.

import { BackgroundWork } from './backgroundWork.js';
import { reading, type Database } from './database.js';
import type { GroupCommit } from './groupCommit.js';

const INDEXES = ['search_trigrams', 'search_grams'] as const;
const PAGES_AT_A_TIME = 64;
/** Pauses are this many times as long as the work before them. */
const REST = 2;
const RETRY_AFTER_MS = 1_000;

export class Scrubber {
  private readonly work = new BackgroundWork(() => this.scrubAll());

  constructor(
    private readonly database: Database,
    private readonly writes: GroupCommit,
  ) {}

  /** Asks for it; returns when that is on disk. @throws UnavailableError */
  async request(): Promise<void> {
    await this.writes.run(() => this.database.run('INSERT INTO scrubs DEFAULT VALUES'));
    this.start();
  }

  /** Does what was asked for, unless it is at it. */
  start(): void {
    this.work.start();
  }

  /** Stops after the pages at hand; the rest is done after the next start. */
  stop(): Promise<void> {
    return this.work.stop();
  }

  private async scrubAll(): Promise<number | null> {
    try {
      const asked = await reading(() => this.database.get<{ last: number | null }>('SELECT max(number) AS last FROM scrubs')?.last ?? null);
      if (asked !== null) await this.scrub(asked);
      return null;
    } catch {
      // The store could not be written; whoever writes next is told so. What was asked for stays.
      return RETRY_AFTER_MS;
    }
  }

  private async scrub(asked: number): Promise<void> {
    await this.emptyLog();
    for (const index of INDEXES) {
      // All segments that there are now become one, without what was deleted; a negative number begins that.
      for (let more = await this.merge(index, -PAGES_AT_A_TIME); more; ) more = await this.merge(index, PAGES_AT_A_TIME);
    }
    if (this.work.stopped) return;
    await this.writes.run(() => this.database.run('DELETE FROM scrubs WHERE number <= ?', asked));
    await this.emptyLog();
  }

  /** Merges some pages, and rests; returns whether there may be more. */
  private async merge(index: (typeof INDEXES)[number], pages: number): Promise<boolean> {
    const began = performance.now();
    const changes = await this.writes.run(() => {
      const before = this.totalChanges();
      this.database.run(`INSERT INTO ${index} (${index}, rank) VALUES ('merge', ?)`, pages);
      return this.totalChanges() - before;
    });
    await this.work.pause(REST * (performance.now() - began));
    // Merging nothing counts as one change.
    return changes > 1 && !this.work.stopped;
  }

  private totalChanges(): number {
    return this.database.get<{ changes: number }>('SELECT total_changes() AS changes')?.changes ?? 0;
  }

  /** What was written goes to the file itself, and the log of writes becomes empty. */
  private async emptyLog(): Promise<void> {
    await reading(() => this.database.get('PRAGMA wal_checkpoint(TRUNCATE)'));
  }
}
