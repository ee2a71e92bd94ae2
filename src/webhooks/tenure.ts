// Holds a lease for as long as it can, and has something run for as long as it is held.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Leases } from '../ports/leases.js';

const LEASE_MS = 7_000;
const RENEW_EVERY_MS = 2_000;
const ASK_EVERY_MS = 1_000;
/** How long before the end of a lease that cannot be renewed its holder stops to rely on it. */
const MARGIN_MS = 2_000;

export interface TenureOptions {
  leases: Leases;
  name: string;
  /** Names this copy of the service. */
  holder: string;
  /** The lease is held from now on. */
  begin: () => void;
  /** It is held no longer, or soon will not be. */
  end: () => Promise<void>;
  onError: (error: unknown) => void;
}

export class Tenure {
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private held = false;

  constructor(private readonly options: TenureOptions) {}

  start(): void {
    this.running = this.run();
  }

  /** Ends what runs, and lets go of the lease, so that another copy can take it at once. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await this.settle(false);
    const { leases, name, holder, onError } = this.options;
    await leases.release(name, holder).catch(onError);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    let goodUntil = 0;
    while (!signal.aborted) {
      const asked = performance.now();
      const token = await this.ask();
      if (token !== 'unknown') goodUntil = token === null ? 0 : asked + LEASE_MS - MARGIN_MS;
      if (signal.aborted) return;
      await this.settle(performance.now() < goodUntil);
      await sleep(this.held ? RENEW_EVERY_MS : ASK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private async ask(): Promise<number | null | 'unknown'> {
    const { leases, name, holder, onError } = this.options;
    try {
      return await leases.acquire(name, holder, LEASE_MS);
    } catch (error) {
      onError(error);
      return 'unknown';
    }
  }

  private async settle(held: boolean): Promise<void> {
    if (held === this.held) return;
    this.held = held;
    if (held) this.options.begin();
    else await this.options.end();
  }
}
