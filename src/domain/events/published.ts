// The published stream: which events an organization's consumers are told of, and in what form.

import { companyEventSchemas } from './companyEvents.js';
import { contactEventSchemas } from './contactEvents.js';
import { quoted } from '../jsonText.js';
import type { RecordedAt } from './metadata.js';

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
export type Envelope = Omit<RecordedAt, 'stream'> & {
  type: PublishedType;
  /** The id of the contact or company it is about. */
  subject: string;
};

/**
 * An event as a CloudEvent 1.0, as JSON; `data` is its data, as JSON: whoever has that as text need
 * not take it apart.
 */
export function cloudEventText(event: Envelope, data: string): string {
  return `${cloudEventHead(event)}${data}}`;
}

/** What stands before the data, the last member. Extensions have names in lower case, as CloudEvents has it. */
export function cloudEventHead({ id, type, subject, position, revision, metadata }: Envelope): string {
  const { organizationId, occurredAt, actor, requestId, correlationId, causationId } = metadata;
  const source = `/organizations/${encodeURIComponent(organizationId)}`;
  const cause = causationId === null ? '' : `,"causationid":${quoted(causationId)}`;
  return (
    `{"specversion":"1.0","id":${quoted(id)},"type":"${TYPE_PREFIX}${type}","source":${quoted(source)},"subject":${quoted(subject)}` +
    `,"time":${quoted(occurredAt)},"datacontenttype":"application/json","dataschema":"/asyncapi.json#/components/schemas/${type}"` +
    `,"position":${quoted(position)},"revision":${revision},"actor":${quoted(actor.sub)}` +
    `,"requestid":${quoted(requestId)},"correlationid":${quoted(correlationId)}${cause},"data":`
  );
}
