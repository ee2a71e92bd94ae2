// Drops generations that are no longer in use, a few rows at a time, so that writers hardly notice.
// What a stop or a kill left undone is done after the next start.

import { BackgroundWork } from './backgroundWork.js';
import type { SqliteEventEntries } from './eventEntries.js';
import type { SqliteDocuments } from './documents.js';
import type { SqliteGenerations } from './generations.js';
import type { GroupCommit } from './groupCommit.js';

const ROWS_AT_A_TIME = 100;
/** Pauses are this many times as long as the work before them. */
const REST = 2;
const RETRY_AFTER_MS = 1_000;

export class Dropper {
  private readonly work = new BackgroundWork(() => this.dropAndRest());

  constructor(
    private readonly writes: GroupCommit,
    private readonly generations: SqliteGenerations,
    private readonly documents: SqliteDocuments,
    private readonly entries: SqliteEventEntries,
  ) {}

  /** Begins to drop what there is to drop, unless it is at it. */
  start(): void {
    this.work.start();
  }

  /** Stops after the rows at hand. */
  stop(): Promise<void> {
    return this.work.stop();
  }

  /** Drops some; returns how long to leave the store to others, in ms; null: nothing was left to drop. */
  private async dropAndRest(): Promise<number | null> {
    const began = performance.now();
    try {
      const dropped = await this.writes.run(() => this.dropSome());
      return dropped ? REST * (performance.now() - began) : null;
    } catch {
      // The store could not be written; whoever writes next is told so. What is to be dropped stays.
      return RETRY_AFTER_MS;
    }
  }

  private dropSome(): boolean {
    const dropped = this.generations.dropped();
    if (dropped === undefined) return false;
    const { projection, number } = dropped;
    const some = projection === 'events' ? this.entries.dropSome(number, ROWS_AT_A_TIME) : this.documents.dropSome(projection, number, ROWS_AT_A_TIME);
    if (!some) this.generations.gone(projection, number);
    return true;
  }
}
