// Leases: rights that one copy of the service has at a time, for as long as it renews them.

export interface Leases {
  /**
   * Takes the lease `name` for `holder`, or renews it when `holder` has it already. One that its
   * holder has not renewed for `durationMs` can be taken: each copy measures that by its own
   * clock, from when it saw the last renewal, so that clocks need not agree. It is safe for a
   * holder to believe in its lease for `durationMs` from before the call that took or renewed it.
   * @returns the fencing token, greater than that of every earlier holder; null: another has it
   * @throws UnavailableError
   */
  acquire(name: string, holder: string, durationMs: number): Promise<number | null>;
  /** Lets go of the lease, if `holder` has it, so that another can take it at once. @throws UnavailableError */
  release(name: string, holder: string): Promise<void>;
}
