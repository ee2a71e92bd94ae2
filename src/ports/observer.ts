// Told by a platform of its work, for whoever measures it. It must not throw, and be quick.

/** Writes that became durable together. */
export interface WrittenGroup {
  /** Which of the platform's stores: a short fixed name. */
  store: string;
  /** How many writes shared the sync. */
  writes: number;
  /** How long the sync took, or the server to answer that they are durable. */
  seconds: number;
}

export interface PlatformObserver {
  written(group: WrittenGroup): void;
  /** A server of the platform was lost while it was being followed; it is tried again until it is back. */
  lost(error: unknown): void;
  /** Something stored was not stored by the service. */
  forged(error: Error): void;
}
