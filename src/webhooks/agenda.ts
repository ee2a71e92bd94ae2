// Knows when the next delivery is ready, and says so then.

import { Subject } from 'rxjs';
import type { AlarmClock } from '../ports/clock.js';
import type { DeliveryStore } from '../ports/deliveryStore.js';
import type { EndpointRef } from '../ports/webhookEndpoints.js';

const STORE_RETRY_MS = 500;

export interface AgendaOptions {
  deliveries: DeliveryStore;
  clock: AlarmClock;
  /** How often it looks whether somebody else made something ready, in ms. */
  pollMs: number;
  onError: (error: unknown) => void;
}

export class Agenda {
  /** Endpoints of which something is ready. */
  readonly due = new Subject<EndpointRef>();
  private ringsAt = Number.POSITIVE_INFINITY;
  private cancel: () => void = () => undefined;
  private stopped = false;

  constructor(private readonly options: AgendaOptions) {}

  /** Looks at once, and from then on whenever something becomes ready. */
  start(): void {
    this.wakeAt(this.options.clock.now().getTime());
  }

  stop(): void {
    this.stopped = true;
    this.cancel();
    this.due.complete();
  }

  /** That an endpoint may have something ready from `at` on. */
  note({ at, ...ref }: EndpointRef & { at: Date }): void {
    if (at <= this.options.clock.now()) this.due.next(ref);
    else this.wakeAt(at.getTime());
  }

  private wakeAt(at: number): void {
    if (this.stopped || at >= this.ringsAt) return;
    this.cancel();
    this.ringsAt = at;
    this.cancel = this.options.clock.after(at - this.options.clock.now().getTime(), () => void this.look());
  }

  private async look(): Promise<void> {
    const { deliveries, clock, pollMs, onError } = this.options;
    this.ringsAt = Number.POSITIVE_INFINITY;
    try {
      const agenda = await deliveries.agenda();
      const now = clock.now();
      this.wakeAt(now.getTime() + pollMs);
      for (const { at, ...ref } of agenda) {
        if (at <= now) this.due.next(ref);
        else this.wakeAt(at.getTime());
      }
    } catch (error) {
      onError(error);
      this.wakeAt(clock.now().getTime() + STORE_RETRY_MS);
    }
  }
}
