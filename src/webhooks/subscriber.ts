// Follows the log: keeps the endpoints as they stand, and the deliveries that follow from events,
// together with how far it has come.

import { LRUCache } from 'lru-cache';
import type { Recorded } from '../domain/events/metadata.js';
import type { WebhookEndpointEvent } from '../domain/events/registry.js';
import { parseStream, webhookStream } from '../domain/streams.js';
import { evolveWebhookEndpoint, initialWebhookEndpoint, type WebhookEndpointState } from '../domain/webhookEndpoint.js';
import type { Clock } from '../ports/clock.js';
import type { DeliveryStore } from '../ports/deliveryStore.js';
import type { EventLog, Position, StoredEvent } from '../ports/eventLog.js';
import type { EventStore } from '../ports/eventStore.js';
import type { EndpointRef, RegisteredEndpoint, WebhookEndpoints } from '../ports/webhookEndpoints.js';
import type { Bodies } from './bodies.js';
import { payloadContext, type Deriver, type Target } from './deriver.js';

/** How often the checkpoint is saved while nothing follows from events, in ms: each save is a write to disk. */
const SAVE_EVERY_MS = 1_000;
const REMEMBERED_ORGANIZATIONS = 10_000;

export interface SubscriberDeps {
  log: EventLog;
  events: EventStore;
  endpoints: WebhookEndpoints;
  deliveries: DeliveryStore;
  deriver: Deriver;
  /** Gets what is about to be sent. */
  bodies: Bodies;
  /** Has all that is in memory of an erased contact let go of. */
  forget: (contact: { organizationId: string; contactId: string }) => void;
  clock: Clock;
}

export class Subscriber {
  /** Endpoints by organization. Their own events pass by here, so that what is remembered is what they say. */
  private readonly remembered = new LRUCache<string, Target[]>({ max: REMEMBERED_ORGANIZATIONS });
  private saved: Position | null = null;
  private savedAt = 0;
  private seen: Position | null = null;

  constructor(private readonly deps: SubscriberDeps) {}

  /** Up to where deliveries are derived; null: nothing is known to be. */
  get position(): Position | null {
    return this.seen;
  }

  /**
   * Goes on where it left off until `signal` aborts; yields the endpoints that got deliveries, or
   * changed, once that is on disk.
   * @throws UnavailableError; what was not kept is derived again by the next run
   */
  async *run(signal: AbortSignal): AsyncGenerator<EndpointRef[]> {
    const { log, deliveries } = this.deps;
    this.remembered.clear();
    this.saved = await deliveries.checkpoint();
    this.seen = await this.start(this.saved);
    for await (const batch of log.subscribe(this.seen, signal)) {
      if (signal.aborted) return;
      const changed = await this.follow(batch.events);
      const told = await this.derive(batch.events, batch.position);
      await this.letGo(batch.events);
      this.seen = batch.position;
      if (changed.length + told.length > 0) yield [...changed, ...told];
    }
  }

  /** Where to go on; at the end of the log where another was followed: what is in this one was told from that. */
  private async start(checkpoint: Position | null): Promise<Position | null> {
    const { log } = this.deps;
    return checkpoint === null || (await log.reaches(checkpoint)) ? checkpoint : log.head();
  }

  private async derive(events: readonly StoredEvent[], to: Position): Promise<EndpointRef[]> {
    const { deriver, deliveries, bodies, clock } = this.deps;
    const derived = await deriver.derive(events, ({ metadata }) => this.targets(metadata.organizationId));
    const now = clock.now();
    if (derived.considered.length === 0 && now.getTime() - this.savedAt < SAVE_EVERY_MS) return [];
    if (!(await deliveries.derive({ ...derived, from: this.saved, to }, now))) {
      throw new Error('another subscriber is deriving webhook deliveries');
    }
    this.saved = to;
    this.savedAt = now.getTime();
    for (const payload of derived.payloads) bodies.keep(payload, payloadContext(payload), payload.plain);
    return [...new Map(derived.deliveries.map((delivery) => [delivery.endpointId, delivery])).values()];
  }

  /** Cancels what is pending about contacts that were erased, that of this run of events too, and has them forgotten. */
  private async letGo(events: readonly StoredEvent[]): Promise<void> {
    for (const { type, metadata, data } of events) {
      if (type !== 'ContactErased') continue;
      const contact = { organizationId: metadata.organizationId, contactId: String(data.contactId) };
      this.deps.forget(contact);
      await this.deps.deliveries.erase(contact);
    }
  }

  /** Brings the endpoints up to date that events of this run concern. */
  private async follow(events: readonly StoredEvent[]): Promise<EndpointRef[]> {
    const changed = new Map<string, EndpointRef>();
    for (const { stream } of events) {
      const subject = parseStream(stream);
      if (subject?.category === 'webhook') changed.set(stream, { organizationId: subject.organizationId, endpointId: subject.id });
    }
    for (const ref of changed.values()) await this.show(ref);
    return [...changed.values()];
  }

  /** Shows an endpoint as its newest event left it; whoever appended that may have died before doing so. */
  private async show({ organizationId, endpointId }: EndpointRef): Promise<void> {
    const { events, endpoints } = this.deps;
    let state: WebhookEndpointState = initialWebhookEndpoint;
    let first: Position | null = null;
    let revision = -1;
    for await (const batch of events.read(webhookStream(organizationId, endpointId), 0)) {
      for (const event of batch) {
        state = evolveWebhookEndpoint(state, event as Recorded<WebhookEndpointEvent>);
        first ??= event.position;
        ({ revision } = event);
      }
    }
    if (state.phase === 'live' && first !== null) await endpoints.put(state.endpoint, revision, first);
    if (state.phase === 'deleted') await endpoints.remove({ organizationId, endpointId }, revision);
    this.remembered.delete(organizationId);
  }

  private async targets(organizationId: string): Promise<Target[]> {
    const known = this.remembered.get(organizationId);
    if (known !== undefined) return known;
    const targets = (await this.deps.endpoints.list(organizationId)).map(toTarget);
    this.remembered.set(organizationId, targets);
    return targets;
  }
}

/** What happens while it is disabled is dealt with: its high-water position moves on. */
function toTarget({ endpoint, highWater }: RegisteredEndpoint): Target {
  const { organizationId, id, events, status } = endpoint;
  return { organizationId, endpointId: id, topics: status === 'enabled' ? events : [], after: highWater };
}
