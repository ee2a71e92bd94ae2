// What is sent to webhook endpoints, as the reference describes it: an operation of the receiver.

import { z } from 'zod';
import type { JsonObject } from '../../domain/json.js';
import { webhookTopics } from '../../domain/events/webhookEvents.js';
import { statuses } from '../../domain/entity.js';
import { contactSchema, id, time } from '../schemas/views.js';
import { contactExample, exampleIds } from './examples.js';
import type { Components } from './schemas.js';
import { exampleDeliveryId } from './webhookExamples.js';

export type Topic = (typeof webhookTopics)[number];

const when: Record<Topic, string> = {
  'contact.created': 'A contact is created, or restored',
  'contact.updated': 'A request changed a contact: once, whatever it changed',
  'contact.deleted': 'A contact is deleted',
  'contact.status_changed': "A contact's status changed; besides contact.updated",
  'contact.primary_set': 'A contact is set as primary for a company',
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

/** What a delivery carries beside its body. */
export const webhookHeaders = [
  { name: 'webhook-id', description: 'The id of the delivery, the same at every try', example: exampleDeliveryId },
  { name: 'webhook-timestamp', description: 'When this try was made, in seconds since 1970', example: '1748945730' },
  {
    name: 'webhook-signature',
    description: "By the Standard Webhooks convention: `v1,` and the HMAC-SHA256 of id, timestamp and body with the endpoint's secret; several after a rotation",
    example: 'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
  },
];

/** One operation a topic, by its name. */
export function describeWebhooks(components: Components): JsonObject {
  return Object.fromEntries(webhookTopics.map((topic) => [topic, { post: delivery(topic, components) }]));
}

/** The body of deliveries on a topic, with an example, and when they are sent. */
export function webhookPayload(topic: Topic) {
  const { shape = {}, example = {} } = extras[topic] ?? {};
  const data = z.strictObject({ ...contactSchema.shape, ...shape }).meta({ description: 'The contact as of the event' });
  const schema = z.strictObject({ event: z.literal(topic), timestamp: time.meta({ description: 'When it happened' }), data });
  const sent = { event: topic, timestamp: contactExample.updatedAt, data: { ...contactExample, ...example } };
  return { schema, example: sent, summary: when[topic] };
}

function delivery(topic: Topic, components: Components): JsonObject {
  const { schema, example, summary } = webhookPayload(topic);
  return {
    operationId: `on.${topic}`,
    tags: ['Webhooks'],
    summary,
    description: 'Sent at least once: tell repetitions by `webhook-id`. Any answer but a 2xx within the time allowed is tried again.',
    security: [],
    parameters: webhookHeaders.map((header) => ({ ...header, in: 'header', required: true, schema: { type: 'string' } })),
    requestBody: { required: true, content: { 'application/json': { schema: components.of(schema, 'output'), example } } },
    responses: { '2XX': { description: 'It has arrived' } },
  };
}
