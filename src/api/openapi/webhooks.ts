// What is sent to webhook endpoints, as the reference describes it: an operation of the receiver.

import { z } from 'zod';
import type { JsonObject } from '../../domain/json.js';
import { webhookTopics } from '../../domain/events/webhookEvents.js';
import { statuses } from '../../domain/entity.js';
import { TEST_TOPIC } from '../../domain/webhookEndpoint.js';
import { contactSchema, id, time } from '../schemas/views.js';
import { contactExample, exampleIds } from './examples.js';
import type { Components } from './schemas.js';
import type { Tag } from './tags.js';
import { exampleDeliveryId, exampleWebhookId } from './webhookExamples.js';

/** Every event that deliveries are of: those that happen, and the test. */
export const sentTopics = [...webhookTopics, TEST_TOPIC] as const;

export type Topic = (typeof sentTopics)[number];

/** Not that of the operations on endpoints: generators make a file of each, and one would take the other's place. */
export const SENT_TAG: Tag = 'Sent to webhooks';

const when: Record<Topic, string> = {
  'contact.created': 'A contact is created, or restored',
  'contact.updated': 'A request changed a contact: once, whatever it changed',
  'contact.deleted': 'A contact is deleted',
  'contact.status_changed': "A contact's status changed; besides contact.updated",
  'contact.primary_set': 'A contact is set as primary for a company',
  [TEST_TOPIC]: 'A test delivery was asked for, whatever the endpoint listens to',
};

/** What `data` holds besides the contact, and an example of it. */
const extras: Partial<Record<Topic, { shape: z.ZodRawShape; example: JsonObject }>> = {
  'contact.created': { shape: { restored: z.literal(true).optional().meta({ description: 'When it was restored' }) }, example: {} },
  'contact.status_changed': {
    shape: { previousStatus: z.enum(statuses).meta({ description: 'The status it had before' }) },
    example: { previousStatus: 'inactive' },
  },
  'contact.primary_set': {
    shape: { companyId: id.meta({ description: 'The company it is now the primary contact of' }) },
    example: { companyId: exampleIds.company },
  },
};

interface DeliveryHeader {
  name: string;
  description: string;
  example: string;
}

/** What every delivery carries beside its body. */
const signedHeaders: readonly DeliveryHeader[] = [
  { name: 'webhook-id', description: 'The id of the delivery, the same at every try', example: exampleDeliveryId },
  { name: 'webhook-timestamp', description: 'When this try was made, in seconds since 1970', example: '1748945730' },
  {
    name: 'webhook-signature',
    description: "By the Standard Webhooks convention: `v1,` and the HMAC-SHA256 of id, timestamp and body with the endpoint's secret; several after a rotation",
    example: 'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
  },
];

/** What one about a contact carries besides. */
const contactHeaders: readonly DeliveryHeader[] = [
  { name: 'webhook-subject', description: 'The id of the contact', example: exampleIds.contact },
  { name: 'webhook-sequence', description: 'The revision of the contact that `data` shows: ignore what is lower than what you have', example: '0' },
];

/** What a delivery on a topic carries beside its body. */
export const headersOf = (topic: Topic): readonly DeliveryHeader[] => (topic === TEST_TOPIC ? signedHeaders : [...signedHeaders, ...contactHeaders]);

/** One operation a topic, by its name. */
export function describeWebhooks(components: Components): JsonObject {
  return Object.fromEntries(sentTopics.map((topic) => [topic, { post: delivery(topic, components) }]));
}

/** The body of deliveries on a topic, with an example, and when they are sent. */
export function webhookPayload(topic: Topic) {
  const { data, example } = topic === TEST_TOPIC ? testData : contactData(topic);
  const schema = z
    .strictObject({ event: z.literal(topic), timestamp: time.meta({ description: 'When it happened' }), data })
    .meta({ id: payloadName(topic), description: `The body of a delivery of ${topic}.` });
  const sent: JsonObject = { event: topic, timestamp: contactExample.updatedAt, data: example };
  return { schema, example: sent, summary: when[topic] };
}

const testData = {
  data: z.strictObject({ organizationId: z.string(), webhookId: id.meta({ description: 'The endpoint' }) }),
  example: { organizationId: contactExample.organizationId, webhookId: exampleWebhookId } as JsonObject,
};

function contactData(topic: Topic) {
  const { shape = {}, example = {} } = extras[topic] ?? {};
  const data = z.strictObject({ ...contactSchema.shape, ...shape }).meta({ description: 'The contact as of the event' });
  return { data, example: { ...contactExample, ...example } as JsonObject };
}

/** `contact.status_changed` → `ContactStatusChangedPayload`. Named, since generators of clients trip over a body without a name here. */
function payloadName(topic: Topic): string {
  const words = topic.split(/[._]/).map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return `${words.join('')}Payload`;
}

function delivery(topic: Topic, components: Components): JsonObject {
  const { schema, example, summary } = webhookPayload(topic);
  return {
    operationId: `on.${topic}`,
    tags: [SENT_TAG],
    summary,
    description: 'Sent at least once: tell repetitions by `webhook-id`. Any answer but a 2xx within the time allowed is tried again.',
    security: [],
    parameters: headersOf(topic).map((header) => ({ ...header, in: 'header', required: true, schema: { type: 'string' } })),
    requestBody: { required: true, content: { 'application/json': { schema: components.of(schema, 'output'), example } } },
    responses: { '2XX': { description: 'It has arrived' } },
  };
}
