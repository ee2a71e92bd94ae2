// Leases on one machine: the process that has the data folder has them all.

import type { Leases } from '../../ports/leases.js';

/** Every process before this one is gone, so its tokens need not be less. */
const TOKEN = 1;

export class EmbeddedLeases implements Leases {
  private readonly holders = new Map<string, string>();

  async acquire(name: string, holder: string): Promise<number | null> {
    const held = this.holders.get(name) ?? holder;
    if (held !== holder) return null;
    this.holders.set(name, holder);
    return TOKEN;
  }

  async release(name: string, holder: string): Promise<void> {
    if (this.holders.get(name) === holder) this.holders.delete(name);
  }
}
