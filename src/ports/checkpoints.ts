// How far a subscriber that keeps no documents (a reaction, say) has come. May lag behind what it
// has done, never run ahead of it: its work bears repetition.

import type { Position } from './eventLog.js';

export interface Checkpoints {
  /** Where `subscriber` goes on; null: at the first event. */
  load(subscriber: string): Promise<Position | null>;
  /**
   * That `subscriber` is done with all up to `position`. `fence` is the token of the lease it works
   * under, if any: where copies share the store, one saved under an earlier token than another was
   * saved under changes nothing.
   */
  save(subscriber: string, position: Position, fence?: number): Promise<void>;
}
