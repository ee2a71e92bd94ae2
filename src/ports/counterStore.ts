// Rate-limit counters: those of one process saved, so that a restart does not give everybody a new
// allowance, or those of several copies shared.

export interface SavedCounter {
  key: string;
  points: number;
  /** When its window ends, in ms since 1970. */
  expiresAt: number;
}

export interface CounterStore {
  /** The counters whose window has not ended. */
  load(now: Date): Promise<SavedCounter[]>;
  /** Replaces what was saved. */
  save(counters: readonly SavedCounter[]): Promise<void>;
}

/** Counters that several copies of the service share. */
export interface SharedCounters {
  /**
   * Adds `points` to the counter `key`; where its window has ended, or there is none, one of
   * `windowMs` begins with them.
   * @returns the counter as it stands then
   * @throws UnavailableError
   */
  add(key: string, points: number, windowMs: number, now: Date): Promise<SavedCounter>;
  /** Forgets the counters whose window has ended. @throws UnavailableError */
  sweep(now: Date): Promise<void>;
}

/** The counters of a platform, by whether it is for one process or for several. */
export type Counters = { shared: false; store: CounterStore } | { shared: true; store: SharedCounters };
