// Time and new ids, so that deciding needs neither and tests control both.

export interface Clock {
  /** The time now. */
  now(): Date;
}

export interface Ids {
  /** A new UUIDv7, greater than every one made before in this process. */
  next(): string;
}

/** The system's clock. */
export const systemClock: Clock = { now: () => new Date() };
