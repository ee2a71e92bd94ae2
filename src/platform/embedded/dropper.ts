// Drops generations that are no longer in use, a few rows at a time, so that writers hardly notice.
// What a stop or a kill left undone is done after the next start.

import { setTimeout as sleep } from 'node:timers/promises';
import type { SqliteDocuments } from './documents.js';
import type { SqliteGenerations } from './generations.js';
import type { GroupCommit } from './groupCommit.js';

const ROWS_AT_A_TIME = 100;
/** Pauses are this many times as long as the work before them. */
const REST = 2;
const RETRY_AFTER_MS = 1_000;

export class Dropper {
  private readonly stopping = new AbortController();
  private wanted = false;
  private running: Promise<void> | null = null;

  constructor(
    private readonly writes: GroupCommit,
    private readonly generations: SqliteGenerations,
    private readonly documents: SqliteDocuments,
  ) {}

  /** Begins to drop what there is to drop, unless it is at it. */
  start(): void {
    this.wanted = true;
    if (this.stopping.signal.aborted) return;
    this.running ??= this.run().finally(() => {
      this.running = null;
      if (this.wanted) this.start();
    });
  }

  /** Stops after the rows at hand. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (this.wanted && !signal.aborted) {
      this.wanted = false;
      const pause = await this.dropAndRest();
      if (pause === null) continue;
      this.wanted = true;
      await sleep(pause, undefined, { ref: false, signal }).catch(() => undefined);
    }
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
    if (!this.documents.dropSome(projection, number, ROWS_AT_A_TIME)) this.generations.gone(projection, number);
    return true;
  }
}
