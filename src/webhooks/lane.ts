// What is known, while deliveries are under way, of one endpoint: how it stands, what it is signed
// with, which deliveries were taken up, and how many more may be.

import type { KeyObject } from 'node:crypto';
import type { EndpointHealth, RegisteredEndpoint } from '../ports/webhookEndpoints.js';
import { targetOf, type Target } from './target.js';

/** How many exchanges with one endpoint run at a time. */
export const IN_FLIGHT_PER_ENDPOINT = 8;

/** How many deliveries are taken up at a time, those among them that wait for their turn or to be recorded. */
const TAKEN_PER_ENDPOINT = 16 * IN_FLIGHT_PER_ENDPOINT;

export interface SigningKey {
  key: KeyObject;
  /** When it stops to sign; null for the newest. */
  until: Date | null;
}

export class Lane {
  registered: RegisteredEndpoint | null = null;
  keys: readonly SigningKey[] = [];
  target: Target = { issue: 'There is none' };
  health: EndpointHealth = { failingSince: null, pausedUntil: null };
  /** Ids of the deliveries that were taken up and are not recorded yet. */
  readonly taken = new Set<string>();
  /** How many exchanges are under way. */
  inFlight = 0;
  private failedLast = false;

  constructor(private readonly allowPrivate: boolean) {}

  /** How the endpoint stands now. */
  show(registered: RegisteredEndpoint | null, keys: readonly SigningKey[]): void {
    // Health is kept here first and recorded after: what is stored may be older.
    if (this.registered === null || (registered !== null && registered.revision > this.registered.revision)) {
      this.health = registered?.health ?? this.health;
    }
    const url = registered?.endpoint.url ?? '';
    if (url !== this.registered?.endpoint.url) this.target = targetOf(url, this.allowPrivate);
    this.registered = registered;
    this.keys = keys;
  }

  get enabled(): boolean {
    return this.registered?.endpoint.status === 'enabled';
  }

  /** Whether its last answer was a failure: it is then tried with one delivery at a time. */
  get suspect(): boolean {
    return this.failedLast || this.health.failingSince !== null;
  }

  /** How many more deliveries are to be taken up now: a good number at a time, or none. */
  get room(): number {
    if (this.suspect) return this.taken.size === 0 ? 1 : 0;
    return this.taken.size > TAKEN_PER_ENDPOINT / 2 ? 0 : TAKEN_PER_ENDPOINT - this.taken.size;
  }

  /** Until when it is to be left alone; null when it is not. */
  pausedUntil(now: Date): Date | null {
    const { pausedUntil } = this.health;
    return pausedUntil !== null && pausedUntil > now ? pausedUntil : null;
  }

  /** Takes note of an answer: a success that comes during a pause is of what was sent before it. @returns the endpoint's health, when it changed */
  note(answer: { failed: boolean; at: Date; now: Date; pausedUntil: Date | null }): EndpointHealth | null {
    const before = this.health;
    this.failedLast = answer.failed;
    this.health = answer.failed
      ? { failingSince: before.failingSince ?? answer.at, pausedUntil: answer.pausedUntil ?? before.pausedUntil }
      : { failingSince: null, pausedUntil: this.pausedUntil(answer.now) };
    const same = before.failingSince === this.health.failingSince && before.pausedUntil === this.health.pausedUntil;
    return same ? null : this.health;
  }
}
