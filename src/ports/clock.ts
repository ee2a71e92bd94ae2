// Time and new ids, so that deciding needs neither and tests control both.

export interface Clock {
  /** The time now. */
  now(): Date;
}

export interface Ids {
  /** A new UUIDv7, greater than every one made before in this process. */
  next(): string;
}

/** A clock that can be waited on. */
export interface AlarmClock extends Clock {
  /** Calls `ring` once `ms` have passed, or soon after; the function returned takes that back. */
  after(ms: number, ring: () => void): () => void;
}

/** The longest that a timer of Node.js runs, in ms. */
const TIMER_MAX_MS = 2_147_483_647;

/** The system's clock. */
export const systemClock: AlarmClock = {
  now: () => new Date(),
  after: (ms, ring) => {
    const timer = setTimeout(ring, Math.min(Math.max(ms, 0), TIMER_MAX_MS));
    return () => clearTimeout(timer);
  },
};
