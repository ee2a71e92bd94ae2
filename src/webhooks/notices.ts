// What an event means to receivers: which topics it is told under, about whom, and what is added to
// the contact's data. Pure.

import type { DomainEvent } from '../domain/events/registry.js';
import type { EventMetadata } from '../domain/events/metadata.js';
import type { JsonObject } from '../domain/json.js';
import type { WebhookTopic } from '../domain/webhookEndpoint.js';
import type { StoredEvent } from '../ports/eventLog.js';

export interface Notice {
  topic: WebhookTopic;
  contactId: string;
  /** Besides the contact, in `data`. */
  extra: JsonObject;
}

/** The types of events that something is told of. */
export const toldTypes: readonly string[] = [
  'ContactCreated',
  'ContactUpdated',
  'ContactStatusChanged',
  'ContactDeleted',
  'ContactRestored',
  'PrimarySet',
] satisfies DomainEvent['type'][];

const told: ReadonlySet<string> = new Set(toldTypes);

/** Whether anything is told of such an event. */
export function isTold({ type }: { type: string }): boolean {
  return told.has(type);
}

/**
 * What is told of `event`, of which only what is not personal is looked at. `next` is the event after
 * it in its stream, if there is one: one request's change of fields and of status are told as one
 * `contact.updated`, with the later of them.
 */
export function noticesOf(event: StoredEvent, next: StoredEvent | undefined): Notice[] {
  const contactId = String(event.data.contactId);
  const notice = (topic: WebhookTopic, extra: JsonObject = {}): Notice => ({ topic, contactId, extra });
  switch (event.type) {
    case 'ContactCreated':
      return [notice('contact.created')];
    case 'ContactRestored':
      return [notice('contact.created', { restored: true })];
    case 'ContactDeleted':
      return [notice('contact.deleted')];
    case 'ContactUpdated':
      return next?.type === 'ContactStatusChanged' && sameRequest(event.metadata, next.metadata) ? [] : [notice('contact.updated')];
    case 'ContactStatusChanged':
      return [notice('contact.updated'), notice('contact.status_changed', { previousStatus: event.data.from ?? null })];
    case 'PrimarySet':
      return [notice('contact.primary_set', { companyId: event.data.companyId ?? null })];
    default:
      return [];
  }
}

function sameRequest(a: EventMetadata, b: EventMetadata): boolean {
  return (
    a.correlationId === b.correlationId &&
    a.requestId === b.requestId &&
    a.causationId === b.causationId &&
    a.occurredAt === b.occurredAt &&
    a.actor.sub === b.actor.sub
  );
}
