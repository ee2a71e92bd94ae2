// Makes deliveries of events: for each endpoint that wants to be told, under each topic, one with an
// id that is made of the three, so that it comes out the same whenever it is made again.

import { createHash } from 'node:crypto';
import { fullView } from '../domain/fullView.js';
import type { NewDelivery, Payload } from '../ports/deliveryStore.js';
import type { EventLog, Position, StoredEvent } from '../ports/eventLog.js';
import type { EventStore } from '../ports/eventStore.js';
import type { Vault } from '../ports/vault.js';
import type { EndpointRef } from '../ports/webhookEndpoints.js';
import { ContactsAsOf } from './contactsAsOf.js';
import { isTold, noticesOf, type Notice } from './notices.js';

/** An endpoint, the topics it is to be told of (none while it is disabled), and from where on in the log (null: from its beginning). */
export interface Target extends EndpointRef {
  topics: readonly string[];
  after: Position | null;
}

/** A payload, and what it is when it is opened. */
export interface RenderedPayload extends Payload {
  contactId: string;
  plain: Buffer;
}

export interface DerivedDeliveries {
  deliveries: NewDelivery[];
  payloads: RenderedPayload[];
  /** Every target of the organizations whose events were looked at. */
  considered: EndpointRef[];
}

/** The id of the delivery of an event to an endpoint under a topic: the `webhook-id`. */
export function deliveryId(eventId: string, endpointId: string, topic: string): string {
  const digest = createHash('sha256').update(`${eventId}/${endpointId}/${topic}`).digest('base64url');
  return `msg_${digest.slice(0, 27)}`;
}

/** What binds a sealed payload to what it tells of. */
export const payloadContext = ({ eventId, topic }: { eventId: string; topic: string }): string => `${topic} of ${eventId}`;

export interface DeriverDeps {
  log: EventLog;
  events: EventStore;
  vault: Vault;
  /** Whether an operator had the service go past an event. */
  isSkipped: (event: StoredEvent) => boolean;
}

export class Deriver {
  private readonly contacts: ContactsAsOf;

  constructor(private readonly deps: DeriverDeps) {
    this.contacts = new ContactsAsOf(deps.log, deps.events);
  }

  /** The deliveries of a run of events, as the log gives it, to the targets of each. */
  async derive(
    events: readonly StoredEvent[],
    targetsOf: (event: StoredEvent) => readonly Target[] | Promise<readonly Target[]>,
  ): Promise<DerivedDeliveries> {
    const derived: DerivedDeliveries = { deliveries: [], payloads: [], considered: [] };
    const considered = new Set<Target>();
    for (const [index, event] of events.entries()) {
      if (!isTold(event) || this.deps.isSkipped(event)) continue;
      const targets = await targetsOf(event);
      for (const target of targets) considered.add(target);
      const open = targets.filter(({ topics, after }) => topics.length > 0 && this.deps.log.compare(after, event.position) < 0);
      if (open.length === 0) continue;
      const notices = noticesOf(event, await this.nextOf(event, events[index + 1]));
      for (const notice of notices) await this.tell(event, notice, open, derived);
    }
    derived.considered.push(...considered);
    return derived;
  }

  /** Lets go of what is kept of a contact that was erased. */
  forget(contact: { organizationId: string; contactId: string }): void {
    this.contacts.forget(contact);
  }

  /** The event after a change of fields in its stream: what one request appends, the log gives in one piece. */
  private async nextOf(event: StoredEvent, following: StoredEvent | undefined): Promise<StoredEvent | undefined> {
    if (event.type !== 'ContactUpdated') return undefined;
    if (following !== undefined) return following.stream === event.stream ? following : undefined;
    for await (const [next] of this.deps.log.read(event.stream, event.revision + 1)) return next;
    return undefined;
  }

  private async tell(event: StoredEvent, notice: Notice, open: readonly Target[], { deliveries, payloads }: DerivedDeliveries): Promise<void> {
    const { topic, contactId } = notice;
    const wanting = open.filter(({ topics }) => topics.includes(topic));
    // The fold goes on though nobody wants to be told of this one: the next one finds it.
    const asOf = await this.contacts.after(contactId, event);
    if (wanting.length === 0) return;
    const { organizationId } = event.metadata;
    const payload = asOf === null ? null : await this.payload(event, notice, fullView(asOf.contact));
    if (payload !== null) payloads.push(payload);
    for (const { endpointId } of wanting) {
      const id = deliveryId(event.id, endpointId, topic);
      const sequence = asOf?.revision ?? null;
      deliveries.push({ organizationId, endpointId, id, eventId: event.id, topic, contactId, sequence, erased: payload === null });
    }
  }

  /** What is sent, sealed with the contact's key; null when that was destroyed. */
  private async payload(event: StoredEvent, { topic, contactId, extra }: Notice, data: object): Promise<RenderedPayload | null> {
    const { organizationId, occurredAt } = event.metadata;
    const plain = Buffer.from(JSON.stringify({ event: topic, timestamp: occurredAt, data: { ...data, ...extra } }));
    const of = { eventId: event.id, topic };
    const body = await this.deps.vault.seal({ organizationId, id: contactId }, plain, payloadContext(of));
    return body === null ? null : { ...of, organizationId, contactId, body, plain };
  }
}
