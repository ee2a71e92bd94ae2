// Steps of a rebuild made by a thread: while one is applied here, the next is being made there.

import type { Worker } from 'node:worker_threads';
import type { Position } from '../../ports/eventLog.js';
import type { ProjectionName } from '../../ports/projection.js';
import type { ReadyStep, ReadySteps } from '../../ports/readySteps.js';
import type { PageFiles } from './eventPages.js';
import type { SqliteProjectionStore } from './projectionStore.js';
import type { MadeStep } from './stepMaker.js';
import { answerOf, END, endThread, startThread } from './threads.js';

/** What the thread is started with. */
export interface StepThreadData {
  files: PageFiles;
  projection: ProjectionName;
}

/** A position: it answers with the step after it, or null when it cannot. */
export type StepOrder = number | typeof END;

export class ThreadSteps implements ReadySteps {
  private readonly worker: Worker;
  private asked: Promise<MadeStep | null>;
  private ended = false;

  /** `module` is what the thread runs. */
  constructor(
    module: URL,
    files: PageFiles,
    private readonly projection: ProjectionName,
    after: Position | null,
    private readonly store: Pick<SqliteProjectionStore, 'applyReady' | 'settle'>,
  ) {
    this.worker = startThread(module, { files, projection } satisfies StepThreadData);
    this.worker.unref();
    this.asked = this.ask(Number(after ?? 0));
  }

  async next(): Promise<ReadyStep | null> {
    const made = await this.asked;
    if (made === null) return null;
    this.asked = this.ask(made.position);
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
    await this.store.settle();
    if (this.ended) return;
    this.ended = true;
    await endThread(this.worker);
  }

  /** Null, too, when the thread ends by itself: whoever applies then does without it. */
  private ask(after: number): Promise<MadeStep | null> {
    if (this.ended) return Promise.resolve(null);
    this.worker.postMessage(after satisfies StepOrder);
    return answerOf<MadeStep | null>(this.worker).catch(() => {
      this.ended = true;
      return null;
    });
  }
}
