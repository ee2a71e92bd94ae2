// Names of streams. The organization is part of each, encoded so that no name is a prefix of
// another's, and an aggregate of one organization cannot be reached from another.

/** What the names of streams begin with, one for each kind of aggregate. A new kind is added here. */
export const streamCategories = ['contact', 'company', 'reporting', 'operations', 'webhook', 'audit'] as const;
export type StreamCategory = (typeof streamCategories)[number];

/** The organization that was encoded last: one write asks for its own ten times over. */
let lastEncoded = { organizationId: '', encoded: '' };

const NAME = new RegExp(`^(${streamCategories.join('|')})-([^-]+)-(.+)$`);

/** A stream's name taken apart: `id` is the aggregate's, and `lines` for reporting lines. */
export interface StreamSubject {
  category: StreamCategory;
  organizationId: string;
  id: string;
}

export const contactStream = (organizationId: string, id: string): string => streamName('contact', organizationId, id);

export const companyStream = (organizationId: string, id: string): string => streamName('company', organizationId, id);

/** The stream that orders an organization's changes of who reports to whom; see reportingLine.ts. */
export const reportingStream = (organizationId: string): string => streamName('reporting', organizationId, 'lines');

/** The stream of a webhook endpoint. */
export const webhookStream = (organizationId: string, id: string): string => streamName('webhook', organizationId, id);

/** The stream of an organization's signed heads; see ports/chainStore.ts. */
export const auditHeadStream = (organizationId: string): string => streamName('audit', organizationId, 'head');

/** In the place of an organization, what belongs to none. No token can name it. */
export const SERVICE_ORGANIZATION = '\u0000service';

/** The stream of what operators had the projections do. */
export const projectionsStream: string = streamName('operations', SERVICE_ORGANIZATION, 'projections');

/** The parts of a stream's name; undefined when it is not one of ours. */
export function parseStream(stream: string): StreamSubject | undefined {
  const match = NAME.exec(stream);
  if (match === null) return undefined;
  const [, category, organization, id] = match as unknown as [string, StreamCategory, string, string];
  return { category, organizationId: decodeOrganization(organization), id };
}

/** Whether a stream is of a kind. */
export function isOfCategory(stream: string, category: StreamCategory): boolean {
  return stream.startsWith(`${category}-`);
}

/** The organization as it stands in names: no hyphen, no control character, plain ASCII. */
export function encodeOrganization(organizationId: string): string {
  if (organizationId !== lastEncoded.organizationId) {
    lastEncoded = { organizationId, encoded: encodeURIComponent(organizationId).replaceAll('-', '%2D') };
  }
  return lastEncoded.encoded;
}

/** The organization that `encodeOrganization` made `encoded` of. */
export function decodeOrganization(encoded: string): string {
  return decodeURIComponent(encoded);
}

/** The stream of one aggregate. */
export function streamName(category: StreamCategory, organizationId: string, id: string): string {
  return `${category}-${encodeOrganization(organizationId)}-${id}`;
}
