// Saved rate-limit counters, so that a restart does not give everybody a new allowance.

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
