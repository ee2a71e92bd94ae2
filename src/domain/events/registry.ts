// Every event type there is, with the version of its newest form and the upcasters from older ones.

import { z } from 'zod';
import type { JsonObject } from '../json.js';
import { auditEventSchemas } from './auditEvents.js';
import { companyEventSchemas } from './companyEvents.js';
import { contactEventSchemas } from './contactEvents.js';
import type { EventMetadata, EventOf } from './metadata.js';
import { operationEventSchemas } from './operationEvents.js';
import { reportingEventSchemas } from './reportingEvents.js';
import { webhookEventSchemas } from './webhookEvents.js';

export const eventSchemas = {
  ...contactEventSchemas,
  ...companyEventSchemas,
  ...reportingEventSchemas,
  ...operationEventSchemas,
  ...webhookEventSchemas,
  ...auditEventSchemas,
} as const;

export type EventType = keyof typeof eventSchemas;

type EventsOf<Schemas extends Record<string, z.ZodType>> = {
  [Type in keyof Schemas & string]: EventOf<Type, z.infer<Schemas[Type]>>;
}[keyof Schemas & string];

export type ContactEvent = EventsOf<typeof contactEventSchemas>;
export type CompanyEvent = EventsOf<typeof companyEventSchemas>;
export type ReportingEvent = EventsOf<typeof reportingEventSchemas>;
export type OperationEvent = EventsOf<typeof operationEventSchemas>;
export type WebhookEndpointEvent = EventsOf<typeof webhookEventSchemas>;
export type AuditEvent = EventsOf<typeof auditEventSchemas>;
export type DomainEvent = ContactEvent | CompanyEvent | ReportingEvent | OperationEvent | WebhookEndpointEvent | AuditEvent;

/** Makes the next version's data of one version's. Pure; what it cannot know it must leave unset. */
export type Upcaster = (data: JsonObject, metadata: EventMetadata) => JsonObject;

/** For each type, the upcasters from version 1 to 2, from 2 to 3 and so on; the newest version is one more than there are. */
export type Upcasters = Partial<Record<EventType, readonly Upcaster[]>>;

/** The upcasters in force. Version 1 is the newest form of each type as yet. */
export const upcasters: Upcasters = {};

/** The version in which new events of `type` are written. */
export function schemaVersionOf(type: EventType, known: Upcasters = upcasters): number {
  return 1 + (known[type]?.length ?? 0);
}

/** An event this version of the service cannot read: damaged, or written by a newer one. */
export class UnreadableEventError extends Error {
  override readonly name = 'UnreadableEventError';
}

/** Whether `type` is one of ours. */
export function isEventType(type: string): type is EventType {
  return Object.hasOwn(eventSchemas, type);
}

/**
 * The event of stored data, brought to its newest form and checked against its schema.
 * @throws UnreadableEventError for an unknown type, a newer version or data that does not fit
 */
export function readEvent(type: string, data: JsonObject, metadata: EventMetadata, known: Upcasters = upcasters): DomainEvent {
  return checked(type, upcast(type, data, metadata, known));
}

/**
 * As `readEvent`, but what was written in the newest form is taken as it was checked then: for
 * reading many only to pass them on, a quarter of which would be checking.
 * @throws UnreadableEventError for an unknown type, a newer version or an older one that does not fit
 */
export function readWrittenEvent(type: string, data: JsonObject, metadata: EventMetadata, known: Upcasters = upcasters): DomainEvent {
  const newest = upcast(type, data, metadata, known);
  return newest === data ? ({ type, data } as unknown as DomainEvent) : checked(type, newest);
}

/** The data in its newest form; the same object when it is already. */
function upcast(type: string, data: JsonObject, metadata: EventMetadata, known: Upcasters): JsonObject {
  if (!isEventType(type)) throw new UnreadableEventError(`unknown event type ${type}`);
  const newest = schemaVersionOf(type, known);
  if (metadata.schemaVersion > newest) {
    throw new UnreadableEventError(`${type} of version ${metadata.schemaVersion}; this service knows up to ${newest}`);
  }
  const steps = known[type]?.slice(metadata.schemaVersion - 1) ?? [];
  return steps.reduce((older, step) => step(older, metadata), data);
}

function checked(type: string, data: JsonObject): DomainEvent {
  const parsed = eventSchemas[type as EventType].safeParse(data);
  if (!parsed.success) throw new UnreadableEventError(`${type} does not fit its schema: ${z.prettifyError(parsed.error)}`);
  return { type, data: parsed.data } as DomainEvent;
}
