// Appends to new streams that a platform makes ready beside the thread that writes them.

/** Some of them, written in one step. */
export interface ReadyAppends {
  /** How many appends they are. */
  count: number;
  /**
   * Writes them and shows them in the read models, all or none: none where one of their streams is
   * there already, or ever had a key.
   * @returns whether they are written
   * @throws UnavailableError when it cannot be told whether they were
   */
  write(): Promise<boolean>;
}

export interface AppendsAhead {
  /** The next ones; null when there are no more, or they could not be made. */
  next(): Promise<ReadyAppends | null>;
  /** Lets go of everything. */
  close(): Promise<void>;
}

/**
 * Has appends made of `orders`, which only whoever makes them understands. For who has the platform for
 * himself: nobody else may write to the streams, or depend on them, meanwhile.
 */
export type MakeAppends = (orders: unknown) => AppendsAhead;
