// What a new primary is asked before it is read from. It has all that was acknowledged by a majority,
// but reads of what a majority has may lag behind that until a write of its own term is there, too.

import type { TopologyDescription } from 'mongodb';

export class MongoSuccession {
  /** The newest primary, by address and election; null: none is known, as where there is no replica set. */
  private primary: string | null = null;
  private confirmed: string | null = null;
  private confirming: Promise<void> | null = null;

  /** `confirm` makes a write that a majority acknowledges. */
  constructor(private readonly confirm: () => Promise<void>) {}

  /** That the driver has heard who is there. */
  heard({ servers }: Pick<TopologyDescription, 'servers'>): void {
    for (const { type, address, electionId } of servers.values()) {
      if (type === 'RSPrimary') this.primary = `${address} ${electionId?.toHexString()}`;
    }
  }

  /** Whether the newest has confirmed; one that answered while this was not so may have answered too soon. */
  get isConfirmed(): boolean {
    return this.confirmed === this.primary;
  }

  /** To be waited for before anything is read; null: nothing is. Rejects as `confirm` does. */
  pending(): Promise<void> | null {
    return this.isConfirmed ? null : (this.confirming ??= this.confirmNewest());
  }

  /** Until the newest has, whoever was elected meanwhile. */
  private async confirmNewest(): Promise<void> {
    try {
      while (!this.isConfirmed) {
        const { primary } = this;
        await this.confirm();
        this.confirmed = primary;
      }
    } finally {
      this.confirming = null;
    }
  }
}
