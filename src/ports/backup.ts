// A copy of all that cannot be made again: events, state and keys. Read models are left out.

/** Told how far a copy has come: `done` of `total` rows of `unit`. */
export type CopyReport = (progress: { done: number; total: number; unit: string }) => void;

/** What a copy holds. */
export interface BackedUp {
  /** How many events. */
  events: number;
  /** The position of the last of them; null when there is none. */
  position: string | null;
}

export interface Backup {
  /**
   * Copies what stands at one moment, no earlier than the call, into `folder`, which does not
   * exist: `events/` and, so that they can be kept elsewhere, `keys/`. Writes go on meanwhile.
   * What was copied is on disk when this returns; when it fails, or `signal` aborts, nothing is left.
   * @throws UnavailableError when it could not be read or written
   */
  write(folder: string, report: CopyReport, signal: AbortSignal): Promise<BackedUp>;
}
