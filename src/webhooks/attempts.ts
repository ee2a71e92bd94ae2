// One try of a delivery: what is sent, and what follows from the answer.

import type { DisabledReason } from '../domain/webhookEndpoint.js';
import type { Clock } from '../ports/clock.js';
import type { Attempt, DeliveryStore, DueDelivery, Outcome } from '../ports/deliveryStore.js';
import type { Vault } from '../ports/vault.js';
import type { Bodies } from './bodies.js';
import { payloadContext } from './deriver.js';
import type { Answered, Sender } from './exchange.js';
import type { Lane } from './lane.js';
import { retryAfter, retryDelay } from './schedule.js';
import { signatures } from './signing.js';
import type { Tallies } from './tallies.js';

/** After how long of failing without a success an endpoint is disabled, in ms. */
export const FAILING_MAX_MS = 5 * 24 * 3_600_000;

export interface AttemptsDeps {
  deliveries: Pick<DeliveryStore, 'payload'>;
  vault: Pick<Vault, 'holds' | 'open' | 'seal'>;
  bodies: Pick<Bodies, 'get' | 'keep'>;
  sender: Pick<Sender, 'post'>;
  clock: Clock;
  schedule: readonly number[];
  random: () => number;
  tallies: Pick<Tallies, 'count'>;
}

/** What came of a try, to be recorded, and what follows for the endpoint. */
export interface Settled {
  outcome: Outcome;
  eventId: string;
  disable: DisabledReason | null;
}

/** What binds a sealed answer to its delivery. */
export const responseContext = ({ id }: { id: string }): string => `answer to ${id}`;

export class Attempts {
  constructor(private readonly deps: AttemptsDeps) {}

  /** @throws UnavailableError, BrokenOffError */
  async make(lane: Lane, delivery: DueDelivery): Promise<Settled> {
    const at = this.deps.clock.now();
    const body = await this.body(delivery);
    if (body === 'gone') return this.conclude(lane, delivery, at, unsent('it was kept no longer than 30 days'), true);
    if (body === 'erased') return erased(delivery);
    const answered = await this.send(lane, delivery, body, at);
    return this.conclude(lane, delivery, at, answered, false);
  }

  /** What is sent. One at hand counts only as long as its contact's key is there. */
  private async body(delivery: DueDelivery): Promise<Buffer | 'gone' | 'erased'> {
    const { vault, bodies, deliveries } = this.deps;
    const { organizationId, contactId } = delivery;
    if (contactId === null) return (await deliveries.payload(delivery)) ?? 'gone';
    const [about, subject, name] = [{ organizationId, contactId }, { organizationId, id: contactId }, payloadContext(delivery)];
    const known = bodies.get(about, name);
    if (known !== undefined) return (await vault.holds(subject)) ? known : 'erased';
    const box = await deliveries.payload(delivery);
    if (box === null) return (await vault.holds(subject)) ? 'gone' : 'erased';
    const body = await vault.open(subject, box, name);
    if (body === null) return 'erased';
    bodies.keep(about, name, body);
    return body;
  }

  private async send(lane: Lane, delivery: DueDelivery, body: Buffer, at: Date): Promise<Answered> {
    const { target } = lane;
    if ('issue' in target) return unsent(`the URL cannot be used: ${target.issue}`);
    const keys = lane.keys.filter(({ until }) => until === null || until > at).map(({ key }) => key);
    if (keys.length === 0) return unsent('the endpoint has no secret to sign with');
    const timestamp = Math.floor(at.getTime() / 1_000);
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'contacts-api-webhooks/1',
      'webhook-id': delivery.id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signatures(keys, delivery.id, timestamp, body),
      ...(delivery.contactId === null ? {} : { 'webhook-subject': delivery.contactId, 'webhook-sequence': String(delivery.sequence) }),
    };
    return this.deps.sender.post(target, headers, body);
  }

  private async conclude(lane: Lane, delivery: DueDelivery, at: Date, answered: Answered, final: boolean): Promise<Settled> {
    const { status, error } = answered;
    const now = this.deps.clock.now();
    const asked = error === null ? null : retryAfter(answered.retryAfter, now);
    const pausedUntil = asked === null ? null : new Date(now.getTime() + asked);
    // Of what was never sent the endpoint knows nothing.
    const health = final ? null : lane.note({ failed: error !== null, at, now, pausedUntil });
    const { failingSince } = lane.health;
    const failing = failingSince !== null && now.getTime() - failingSince.getTime() >= FAILING_MAX_MS;
    const next = final || status === 410 ? { status: 'failed' as const } : this.nextOf(delivery, error, now, asked ?? 0);
    this.deps.tallies.count(delivery.organizationId, error === null ? 'delivered' : next.status === 'pending' ? 'retried' : 'failed');
    const attempt: Attempt = { at, durationMs: answered.durationMs, status, error, response: await this.seal(delivery, answered.excerpt) };
    const disable = status === 410 ? 'gone' : failing ? 'failing' : null;
    return { outcome: { ...refOf(delivery), attempt, next, health }, eventId: delivery.eventId, disable };
  }

  private nextOf({ tries }: DueDelivery, error: string | null, now: Date, askedMs: number): Outcome['next'] {
    if (error === null) return { status: 'delivered' };
    const delay = retryDelay(this.deps.schedule, tries + 1, this.deps.random());
    return delay === null ? { status: 'failed' } : { status: 'pending', at: new Date(now.getTime() + Math.max(delay, askedMs)) };
  }

  /** A receiver may answer with what it was sent. */
  private async seal(delivery: DueDelivery, excerpt: Buffer | null): Promise<Buffer | null> {
    const { organizationId, contactId } = delivery;
    if (excerpt === null || contactId === null) return excerpt;
    return this.deps.vault.seal({ organizationId, id: contactId }, excerpt, responseContext(delivery));
  }
}

function erased(delivery: DueDelivery): Settled {
  const outcome: Outcome = { ...refOf(delivery), attempt: null, next: { status: 'erased' }, health: null };
  return { outcome, eventId: delivery.eventId, disable: null };
}

function refOf({ organizationId, endpointId, id, contactId }: DueDelivery) {
  return { organizationId, endpointId, id, contactId };
}

function unsent(error: string): Answered {
  return { status: null, error, excerpt: null, retryAfter: undefined, durationMs: 0 };
}
