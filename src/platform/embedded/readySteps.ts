// Steps of a rebuild made by a thread.

import type { Position } from '../../ports/eventLog.js';
import type { ProjectionName } from '../../ports/projection.js';
import type { ReadyStep, ReadySteps } from '../../ports/readySteps.js';
import type { PageFiles } from './eventPages.js';
import { MadeAhead } from './madeAhead.js';
import type { SqliteProjectionStore } from './projectionStore.js';
import type { MadeStep } from './stepMaker.js';

/** What the thread is started with. */
export interface StepThreadData {
  files: PageFiles;
  projection: ProjectionName;
  /** The position after which steps begin. */
  after: number;
}

/** How many steps are made ahead, so that the thread has something to do while a transaction is committed. */
const AHEAD = 12;

export class ThreadSteps implements ReadySteps {
  private readonly steps: MadeAhead<MadeStep>;

  /** `module` is what the thread runs. */
  constructor(
    module: URL,
    files: PageFiles,
    private readonly projection: ProjectionName,
    after: Position | null,
    private readonly store: Pick<SqliteProjectionStore, 'applyReady' | 'settle'>,
  ) {
    this.steps = new MadeAhead(module, { files, projection, after: Number(after ?? 0) } satisfies StepThreadData, AHEAD);
  }

  async next(): Promise<ReadyStep | null> {
    const made = await this.steps.next();
    if (made === null) return null;
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
      await this.steps.close();
    }
  }
}
