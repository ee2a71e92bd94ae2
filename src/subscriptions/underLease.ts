// Background work that one copy of the service does at a time, the others ready to go on with it.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Leases } from '../ports/leases.js';

/** How long a holder that is gone keeps others from the work, in ms. */
export const LEASE_MS = 5_000;
/** How often a holder renews it, and others ask for it, in ms. */
export const RENEW_EVERY_MS = 1_000;
const RETRY_AFTER_MS = 500;

export interface LeasedWork {
  /**
   * Works until `signal` aborts, and ends soon after. `fence` is the token of the lease. What it
   * throws is reported, and it is begun again.
   */
  run(signal: AbortSignal, fence: number): Promise<void>;
}

export interface UnderLeaseOptions {
  leases: Leases;
  /** The name of the lease. */
  name: string;
  /** Names this copy of the service. */
  holder: string;
  work: LeasedWork;
  /** Told of each failure; it goes on. */
  onError: (error: unknown) => void;
  leaseMs?: number;
}

export class UnderLease {
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly options: UnderLeaseOptions) {}

  start(): void {
    this.running = this.run(this.stopping.signal);
  }

  /** Ends the work and lets go of the lease, so that another copy goes on at once. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    const { leases, name, holder, onError } = this.options;
    await leases.release(name, holder).catch(onError);
  }

  private async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const since = performance.now();
      const fence = await this.acquire();
      if (fence !== null) await this.hold(fence, since, signal);
      await pause(RENEW_EVERY_MS, signal);
    }
  }

  /** Works for as long as the lease is renewed in time. */
  private async hold(fence: number, since: number, signal: AbortSignal): Promise<void> {
    const { leaseMs = LEASE_MS } = this.options;
    const lost = new AbortController();
    const holding = AbortSignal.any([signal, lost.signal]);
    const work = this.work(holding, fence);
    let lapses = setTimeout(() => lost.abort(), since + leaseMs - performance.now());
    while (!holding.aborted) {
      await pause(RENEW_EVERY_MS, holding);
      if (holding.aborted) break;
      const asked = performance.now();
      const renewed = await this.renew();
      if (renewed === 'failed') continue;
      clearTimeout(lapses);
      if (renewed !== fence) lost.abort();
      else lapses = setTimeout(() => lost.abort(), asked + leaseMs - performance.now());
    }
    clearTimeout(lapses);
    await work;
  }

  private async work(signal: AbortSignal, fence: number): Promise<void> {
    while (!signal.aborted) {
      await this.options.work.run(signal, fence).catch((error: unknown) => {
        if (!signal.aborted) this.options.onError(error);
      });
      await pause(RETRY_AFTER_MS, signal);
    }
  }

  private async acquire(): Promise<number | null> {
    const renewed = await this.renew();
    return renewed === 'failed' ? null : renewed;
  }

  private async renew(): Promise<number | null | 'failed'> {
    const { leases, name, holder, leaseMs = LEASE_MS, onError } = this.options;
    try {
      return await leases.acquire(name, holder, leaseMs);
    } catch (error) {
      onError(error);
      return 'failed';
    }
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
