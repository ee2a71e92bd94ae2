// Steps of a rebuild made by a thread: while one is applied here, the next are being made there.

import type { Worker } from 'node:worker_threads';
import type { Position } from '../../ports/eventLog.js';
import type { ProjectionName } from '../../ports/projection.js';
import type { ReadyStep, ReadySteps } from '../../ports/readySteps.js';
import type { PageFiles } from './eventPages.js';
import type { SqliteProjectionStore } from './projectionStore.js';
import type { MadeStep } from './stepMaker.js';
import { END, endThread, startThread } from './threads.js';

/** What the thread is started with. */
export interface StepThreadData {
  files: PageFiles;
  projection: ProjectionName;
  /** The position after which steps begin. */
  after: number;
}

/** It answers with the step after the last one, or null when it cannot. */
export type StepOrder = 'next' | typeof END;

/** How many steps are made ahead, so that the thread has something to do while a transaction is committed. */
const AHEAD = 12;

export class ThreadSteps implements ReadySteps {
  private readonly worker: Worker;
  private readonly made: (MadeStep | null)[] = [];
  /** Goes on when the next step is made, or none will be. */
  private arrived: () => void = () => undefined;
  private ended = false;

  /** `module` is what the thread runs. */
  constructor(
    module: URL,
    files: PageFiles,
    private readonly projection: ProjectionName,
    after: Position | null,
    private readonly store: Pick<SqliteProjectionStore, 'applyReady' | 'settle'>,
  ) {
    this.worker = startThread(module, { files, projection, after: Number(after ?? 0) } satisfies StepThreadData);
    this.worker.unref();
    this.worker.on('message', (step: MadeStep | null) => this.arrive(step));
    // Where it ends by itself, whoever applies does without it.
    this.worker.on('error', () => undefined).on('exit', () => this.end());
    for (let count = 0; count < AHEAD; count += 1) this.order('next');
  }

  async next(): Promise<ReadyStep | null> {
    const made = await this.nextMade();
    if (made === null) return null;
    this.order('next');
    const { documents, events, seen, position, caughtUp } = made;
    const { projection, store } = this;
    return {
      events,
      seen,
      position: String(position),
      caughtUp,
      apply: (generation, changes, from, to) => store.applyReady(projection, generation, { documents, changes }, from, to),
    };
  }

  async close(): Promise<void> {
    try {
      await this.store.settle();
    } finally {
      await endThread(this.worker);
    }
  }

  private async nextMade(): Promise<MadeStep | null> {
    // Without this the process could end while it waits for the thread alone.
    this.worker.ref();
    if (this.made.length === 0 && !this.ended) await new Promise<void>((resolve) => (this.arrived = resolve));
    this.worker.unref();
    return this.made.shift() ?? null;
  }

  private order(order: StepOrder): void {
    this.worker.postMessage(order);
  }

  private arrive(step: MadeStep | null): void {
    this.made.push(step);
    this.arrived();
  }

  private end(): void {
    this.ended = true;
    this.arrived();
  }
}
