// Overwrites what was deleted, where SQLite does not by itself (`secure_delete`): its log of writes keeps
// pages as they were, a full-text index the words of deleted rows until it merges its segments. A few
// pages at a time, so that writers hardly notice, and once nobody reads the log and nothing is to be dropped.

import { BackgroundWork } from './backgroundWork.js';
import { reading, type Database } from './database.js';
import type { SqliteGenerations } from './generations.js';
import type { GroupCommit } from './groupCommit.js';

const INDEXES = ['search_trigrams', 'search_grams'] as const;
const PAGES_AT_A_TIME = 64;
/** Pauses are this many times as long as the work before them. */
const REST = 2;
const RETRY_AFTER_MS = 1_000;

export class Scrubber {
  private readonly work = new BackgroundWork(() => this.scrubAll());
  /** The last request that was begun, and the last for which segments were merged. */
  private begun = 0;
  private merged = 0;

  /** `keyFile`: the file of the keys, of which the log of writes is emptied, too. */
  constructor(
    private readonly database: Database,
    private readonly keyFile: Pick<Database, 'emptyLog'>,
    private readonly writes: GroupCommit,
    private readonly generations: Pick<SqliteGenerations, 'dropped'>,
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
      return asked === null || (await this.scrub(asked)) ? null : RETRY_AFTER_MS;
    } catch {
      // The store could not be written; whoever writes next is told so. What was asked for stays.
      return RETRY_AFTER_MS;
    }
  }

  /** Returns whether all is done. */
  private async scrub(asked: number): Promise<boolean> {
    // At once what can be; then not before all else is done.
    if (this.begun < asked) await this.emptyLogs();
    this.begun = asked;
    if (this.merged < asked) {
      // What is to be dropped yet leaves as much behind.
      if (await reading(() => this.generations.dropped() !== undefined)) return false;
      for (const index of INDEXES) {
        // All segments that there are now become one, without what was deleted; a negative number begins that.
        for (let more = await this.merge(index, -PAGES_AT_A_TIME); more; ) more = await this.merge(index, PAGES_AT_A_TIME);
      }
      if (this.work.stopped) return false;
      this.merged = asked;
    }
    if (!(await this.emptyLogs())) return false;
    await this.writes.run(() => this.database.run('DELETE FROM scrubs WHERE number <= ?', asked));
    return true;
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

  /** What was written goes to the files themselves; returns whether the logs of writes are empty. */
  private async emptyLogs(): Promise<boolean> {
    const emptied = await reading(() => [this.database, this.keyFile].map((file) => file.emptyLog()));
    return !emptied.includes(false);
  }
}
