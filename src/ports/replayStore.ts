// Replays: what an endpoint was told of in a range of time, told again. One goes through the
// organization's events a run at a time, and goes on where it was after a restart.

import type { Derived } from './deliveryStore.js';
import type { Position } from './eventLog.js';
import type { EndpointRef } from './webhookEndpoints.js';

export interface Replay extends EndpointRef {
  id: string;
  /** Which events: that occurred from `since` on and before `until`, under these topics. */
  since: Date;
  until: Date;
  topics: readonly string[];
  /** How far it has come; null: not begun. */
  position: Position | null;
  /** How many deliveries it has asked for so far. */
  deliveries: number;
  done: boolean;
}

export interface ReplayStore {
  /** Begins a replay. */
  start(replay: Replay, now: Date): Promise<void>;
  find(ref: EndpointRef, id: string): Promise<Replay | null>;
  /** The replays that are not done, oldest first. */
  open(): Promise<Replay[]>;
  /**
   * As `derive`, for a replay, which moves to `derived.to`; deliveries that are there are made pending
   * again, unless they are or were erased. No high-water position moves.
   * @returns whether the replay was at `derived.from`
   */
  advance(replay: Replay, derived: Derived, done: boolean, now: Date): Promise<boolean>;
}
