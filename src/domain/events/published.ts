// The published stream: which events an organization's consumers are told of, and in what form.

import { companyEventSchemas } from './companyEvents.js';
import { contactEventSchemas } from './contactEvents.js';
import { quoted } from '../jsonText.js';
import type { MetadataTexts, RecordedAt } from './metadata.js';

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

/** What an event says of itself besides its data. */
export interface Envelope extends Pick<RecordedAt, 'id' | 'position' | 'revision'> {
  type: PublishedType;
  /** What `sourceOf` says of its organization. */
  source: string;
  /** The id of the contact or company it is about. */
  subject: string;
  metadata: MetadataTexts;
}

/** The source of an organization's events, as JSON. */
export function sourceOf(organizationId: string): string {
  return quoted(`/organizations/${encodeURIComponent(organizationId)}`);
}

/**
 * An event as a CloudEvent 1.0, as JSON; `data` is its data, as JSON: whoever has that as text need
 * not take it apart. Extensions have names in lower case, as CloudEvents has it.
 */
export function cloudEventText({ id, type, source, subject, position, revision, metadata }: Envelope, data: string): string {
  const { occurredAt, actor, requestId, correlationId, causationId } = metadata;
  const cause = causationId === null ? '' : `,"causationid":${causationId}`;
  return (
    `{"specversion":"1.0","id":${quoted(id)},"type":"${TYPE_PREFIX}${type}","source":${source},"subject":${quoted(subject)}` +
    `,"time":${occurredAt},"datacontenttype":"application/json","dataschema":"/asyncapi.json#/components/schemas/${type}"` +
    `,"position":${quoted(position)},"revision":${revision},"actor":${actor}` +
    `,"requestid":${requestId},"correlationid":${correlationId}${cause},"data":${data}}`
  );
}
