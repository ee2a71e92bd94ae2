// What a client may send of a webhook endpoint and ask of its deliveries, and what is answered.

import { z } from 'zod';
import { disabledReasons, webhookTopics } from '../../domain/events/webhookEvents.js';
import { TEST_TOPIC, type WebhookTopic } from '../../domain/webhookEndpoint.js';
import { deliveryStatuses, type DeliveryQuery } from '../../ports/deliveryStore.js';
import { numberCursor } from '../cursor.js';
import { ITEMS_MAX, TOO_MANY_ITEMS } from '../validate.js';
import { LIMIT_DEFAULT, LIMIT_MAX, oneOf, utcTime, wholeNumber } from './queries.js';
import { id, time } from './views.js';

const TOPICS = webhookTopics.map((topic) => `'${topic}'`).join(', ');
const DESCRIPTION_MAX = 500;

const url = z.string('Must be text').meta({ description: 'Where deliveries are posted to: it begins with `https://`, and is of the public internet' });
const events = z
  .array(z.enum(webhookTopics, `Must be one of ${TOPICS}`), 'Must be a list')
  .min(1, `Must name at least one of ${TOPICS}`)
  .max(ITEMS_MAX, TOO_MANY_ITEMS)
  .meta({ description: 'What it is told of; everything unless given' });
const description = z
  .string('Must be text')
  .max(DESCRIPTION_MAX, `Must be at most ${DESCRIPTION_MAX} characters`)
  .meta({ description: 'What it is for' });
const ordered = z
  .boolean('Must be true or false')
  .meta({ description: 'Whether a delivery waits until the one before it about the same contact is settled' });
const status = z
  .enum(['enabled', 'disabled'], "Must be one of 'enabled', 'disabled'")
  .meta({ description: 'Whether it is told of anything' });

/** Fields that the server sets: ignored, so that the body of a GET, or of the POST's answer, can be sent back. */
const ignored = z.unknown().optional();
const serverFields = {
  id: ignored,
  secret: ignored,
  disabledReason: ignored,
  disabledAt: ignored,
  createdAt: ignored,
  updatedAt: ignored,
};

/** In one order, each once. Null: all of them. */
const topicsOf = (topics: readonly WebhookTopic[] | null | undefined): WebhookTopic[] =>
  webhookTopics.filter((topic) => topics?.includes(topic) ?? true);

/** A new endpoint. Null means absent. */
export const newWebhookSchema = z
  .strictObject({
    ...serverFields,
    url,
    events: events.nullish(),
    description: description.nullish(),
    ordered: ordered.nullish(),
    status: z.literal('enabled', "Must be 'enabled', if sent").nullish(),
  })
  .transform((sent) => ({
    url: sent.url,
    events: topicsOf(sent.events),
    description: sent.description ?? null,
    ordered: sent.ordered ?? false,
  }));

/** A change of an endpoint, as a merge patch. `events: null` means all of them. */
export const webhookPatchSchema = z
  .strictObject({
    ...serverFields,
    url: url.optional(),
    events: events.nullable().optional(),
    description: description.nullable().optional(),
    ordered: ordered.optional(),
    status: status.optional(),
  })
  .transform(({ url, events, description, ordered, status }) => ({
    ...(url === undefined ? {} : { url }),
    ...(events === undefined ? {} : { events: topicsOf(events) }),
    ...(description === undefined ? {} : { description }),
    ...(ordered === undefined ? {} : { ordered }),
    ...(status === undefined ? {} : { status }),
  }));

const moment = utcTime.transform((text) => new Date(text)).meta({ type: 'string', format: 'date-time' });

/** Which events to send again. */
export const newReplaySchema = z
  .strictObject({
    since: moment.meta({ description: 'Events that occurred from then on' }),
    until: moment.nullish().meta({ description: 'and before then; now unless given' }),
    events: events.nullish().meta({ description: 'Under these topics; those of the endpoint unless given' }),
  })
  .transform(({ since, until, events }) => ({ since, until: until ?? null, topics: events ?? null }));

export const deliveryCursor = numberCursor('d');

/** The parameters of the list of deliveries. */
export const deliveryParameters = z
  .strictObject({
    limit: wholeNumber(1, LIMIT_MAX).optional().meta({ description: `Number of items per page; ${LIMIT_DEFAULT} unless given` }),
    cursor: z.string('Given more than once').optional().meta({ description: 'The `nextCursor` of the page before' }),
    status: oneOf(deliveryStatuses).optional().meta({ description: 'Filter by status' }),
  })
  .transform(
    (sent): DeliveryQuery => ({
      limit: sent.limit ?? LIMIT_DEFAULT,
      status: sent.status ?? null,
      after: sent.cursor === undefined ? null : deliveryCursor.decode(sent.cursor),
    }),
  );

const webhookShape = {
  id,
  url: z.string(),
  events: z.array(z.enum(webhookTopics)),
  description: z.string().nullable(),
  ordered: z.boolean(),
  status,
  disabledReason: z
    .enum(disabledReasons)
    .nullable()
    .meta({ description: 'Why it is disabled: on request, as it answered 410, or as it failed for five days without a success' }),
  disabledAt: time.nullable(),
  createdAt: time,
  updatedAt: time,
};

export const webhookSchema = z.strictObject(webhookShape).meta({ id: 'Webhook', description: 'A webhook endpoint; never with its secret.' });

export const webhookWithSecretSchema = z
  .strictObject({ ...webhookShape, secret: z.string().optional().meta({ description: 'Shown this once: an answer sent again comes without it' }) })
  .meta({ id: 'WebhookWithSecret', description: 'A webhook endpoint and its new secret.' });

export const webhooksSchema = z.strictObject({ data: z.array(webhookSchema) });

const deliveryId = z.string().meta({ description: 'The `webhook-id` it is sent with' });
const attemptSchema = z.strictObject({
  at: time,
  status: z.int().nullable().meta({ description: 'The HTTP status; null when there was no answer' }),
  durationMs: z.number(),
  error: z.string().nullable().meta({ description: 'What went wrong' }),
  response: z.string().nullable().meta({ description: 'The first kilobyte of the answer' }),
});

export const deliverySchema = z
  .strictObject({
    id: deliveryId,
    eventId: z.string(),
    event: z.enum([...webhookTopics, TEST_TOPIC]),
    contactId: z.string().nullable().meta({ description: 'Whom it is about; null for a test' }),
    status: z.enum(deliveryStatuses).meta({ description: 'erased: it was cancelled, as the contact was erased' }),
    attempts: z.array(attemptSchema),
    nextAttemptAt: time.nullable().meta({ description: 'null when it is settled, or waits for the one before it about the same contact' }),
  })
  .meta({ id: 'Delivery', description: 'A delivery of an event to an endpoint, and what became of it.' });

export const deliveriesSchema = z.strictObject({ data: z.array(deliverySchema), nextCursor: z.string().nullable() });

export const askedDeliverySchema = z.strictObject({ deliveryId });

export const replaySchema = z
  .strictObject({
    replayId: z.string(),
    since: time,
    until: time,
    events: z.array(z.enum(webhookTopics)),
    status: z.enum(['running', 'done']),
    deliveries: z.int().meta({ description: 'How many deliveries it has asked for so far' }),
  })
  .meta({ id: 'Replay', description: 'Events of a range of time, sent again.' });
