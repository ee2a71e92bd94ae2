// The published stream: which events an organization's consumers are told of, and in what form.

import type { JsonObject } from '../json.js';
import { companyEventSchemas } from './companyEvents.js';
import { contactEventSchemas } from './contactEvents.js';
import type { Recorded } from './metadata.js';
import type { DomainEvent } from './registry.js';

const { ReportingLineFenced: _, ...contacts } = contactEventSchemas;

/**
 * All that contacts and companies can be rebuilt from. What the service notes for itself (claims
 * of reporting lines, webhook endpoints, operations) is not told.
 */
export const publishedSchemas = { ...contacts, ...companyEventSchemas } as const;

export type PublishedType = keyof typeof publishedSchemas;

export const publishedTypes = Object.keys(publishedSchemas) as PublishedType[];

const known: ReadonlySet<string> = new Set(publishedTypes);

/** Whether events of a type are published. */
export const isPublished = (type: string): type is PublishedType => known.has(type);

/** What the types of CloudEvents begin with. */
export const TYPE_PREFIX = 'app.contacts.';

/** An event as a CloudEvent 1.0. Extensions have names in lower case, as CloudEvents has it. */
export function cloudEvent(event: Recorded<DomainEvent>): JsonObject {
  const { id, type, position, revision, metadata } = event;
  const data = event.data as unknown as JsonObject;
  return {
    specversion: '1.0',
    id,
    type: TYPE_PREFIX + type,
    source: `/organizations/${encodeURIComponent(metadata.organizationId)}`,
    subject: String(data.contactId !== undefined && data.companyId === undefined ? data.contactId : data.companyId),
    time: metadata.occurredAt,
    datacontenttype: 'application/json',
    dataschema: `/asyncapi.json#/components/schemas/${type}`,
    position,
    revision,
    actor: metadata.actor.sub,
    requestid: metadata.requestId,
    correlationid: metadata.correlationId,
    ...(metadata.causationId === null ? {} : { causationid: metadata.causationId }),
    data,
  };
}
