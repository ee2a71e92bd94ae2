// Steps of a rebuild that a platform makes ready beside the thread that applies them.

import type { Position } from './eventLog.js';
import type { RecordedEvent } from './eventStore.js';
import type { Change, ProjectionName } from './projection.js';

/** What a run of events makes of a projection's documents, as far as that depends on them alone. */
export interface ReadyStep {
  /** Those of them that are still to be folded into what stands. */
  events: RecordedEvent[];
  /** How many events the step comes from, and the position of the last. */
  seen: number;
  position: Position;
  /** Whether this was the end of the log at the time. */
  caughtUp: boolean;
  /**
   * As the projection store's `apply`: of what is ready, and of `changes`, which `events` make. It
   * is seen at once, and on disk with later steps, or with what is written otherwise.
   */
  apply(generation: number, changes: readonly Change[], from: Position | null, to: Position): Promise<boolean>;
}

export interface ReadySteps {
  /** What the next events make; null when they could not be made ready, and no others will be. */
  next(): Promise<ReadyStep | null>;
  /** Has on disk what was applied, and lets go of everything. @throws UnavailableError */
  close(): Promise<void>;
}

/** Makes steps of `projection` ready, one after the other, from `after` on. No key may be destroyed meanwhile. */
export type MakeReady = (projection: ProjectionName, after: Position | null) => ReadySteps;
