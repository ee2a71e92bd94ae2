// The routes of webhook deliveries: their log, and what sends them again.

import type { LoggedDelivery } from '../../ports/deliveryStore.js';
import type { Replay } from '../../ports/replayStore.js';
import type { RouteDeps } from '../deps.js';
import { ApiError, validationError } from '../errors.js';
import { answerOnce } from '../idempotency.js';
import { deliveriesExample, exampleDeliveryId, newReplayExample, replayExample } from '../openapi/webhookExamples.js';
import { route, type Route } from '../routing.js';
import { noParameters } from '../schemas/queries.js';
import { askedDeliverySchema, deliveriesSchema, deliveryParameters, deliveryCursor, newReplaySchema, replaySchema } from '../schemas/webhooks.js';
import { deliveryIdParameter, enabled, registered, replayIdParameter, webhookIdParameter, webhookRef } from './webhookResources.js';

export function deliveryRoutes(deps: RouteDeps): Route[] {
  return [testRoute(deps), listRoute(deps), retryRoute(deps), replayRoute(deps), getReplayRoute(deps)];
}

const tag = 'Webhooks';
const scope = 'webhooks:manage';

const testRoute = ({ webhooks, idempotency }: RouteDeps) =>
  route({
    method: 'POST',
    path: '/webhooks/{id}/test',
    scope,
    id: 'testWebhook',
    tag,
    summary: 'Send a test delivery',
    description: 'Its event is `webhook.test`, whatever the endpoint listens to.',
    params: { id: webhookIdParameter },
    body: noParameters.optional(),
    accepts: ['Idempotency-Key'],
    responses: { 202: { description: 'It is on its way', schema: askedDeliverySchema, example: { deliveryId: exampleDeliveryId } } },
    errors: ['WEBHOOK_NOT_FOUND', 'CONFLICT'],
    handle: async (ctx, { raw }) => {
      const ref = webhookRef(ctx);
      await answerOnce(ctx, idempotency, raw, async ({ reserved }) => {
        await enabled(webhooks, ref);
        const deliveryId = await webhooks.deliveries.test(ref, reserved?.aggregateId ?? idempotency.ids.next());
        return { status: 202, headers: {}, body: { deliveryId } };
      });
    },
  });

const listRoute = ({ webhooks }: RouteDeps) =>
  route({
    method: 'GET',
    path: '/webhooks/{id}/deliveries',
    scope,
    id: 'listDeliveries',
    tag,
    summary: 'List the deliveries of an endpoint',
    description: 'The newest first, each with its attempts; kept for 30 days.',
    params: { id: webhookIdParameter },
    query: deliveryParameters,
    responses: { 200: { description: 'A page of deliveries', schema: deliveriesSchema, example: deliveriesExample } },
    errors: ['WEBHOOK_NOT_FOUND'],
    handle: async (ctx, { query }) => {
      const ref = webhookRef(ctx);
      await registered(webhooks, ref);
      const { items, next } = await webhooks.deliveries.list(ref, query);
      ctx.body = { data: items.map(deliveryView), nextCursor: next === null ? null : deliveryCursor.encode(next) };
    },
  });

const retryRoute = ({ webhooks, idempotency }: RouteDeps) =>
  route({
    method: 'POST',
    path: '/webhooks/{id}/deliveries/{deliveryId}/retry',
    scope,
    id: 'retryDelivery',
    tag,
    summary: 'Try a delivery again',
    description: 'With the same `webhook-id` and the same bytes, now and then by the schedule. One about a contact that was erased since is a conflict.',
    params: { id: webhookIdParameter, deliveryId: deliveryIdParameter },
    body: noParameters.optional(),
    accepts: ['Idempotency-Key'],
    responses: { 202: { description: 'It is on its way', schema: askedDeliverySchema, example: { deliveryId: exampleDeliveryId } } },
    errors: ['WEBHOOK_NOT_FOUND', 'NOT_FOUND', 'CONFLICT'],
    handle: async (ctx, { raw }) => {
      const ref = webhookRef(ctx);
      const { deliveryId = '' } = ctx.params;
      await answerOnce(ctx, idempotency, raw, async () => {
        await enabled(webhooks, ref);
        const status = await webhooks.deliveries.retry(ref, deliveryId);
        if (status === null) throw new ApiError('NOT_FOUND', 'The delivery was not found');
        if (status === 'erased') throw new ApiError('CONFLICT', 'The contact it is about was erased');
        return { status: 202, headers: {}, body: { deliveryId } };
      });
    },
  });

const replayRoute = (deps: RouteDeps) =>
  route({
    method: 'POST',
    path: '/webhooks/{id}/replay',
    scope,
    id: 'replayWebhook',
    tag,
    summary: 'Send the events of a range of time again',
    description: 'Each with the `webhook-id` it had, and those of a time when the endpoint was disabled, too. Of any size: it goes on in the background.',
    params: { id: webhookIdParameter },
    body: newReplaySchema,
    bodyExample: newReplayExample,
    accepts: ['Idempotency-Key'],
    responses: { 202: { description: 'It has begun', schema: replaySchema, example: replayExample } },
    errors: ['WEBHOOK_NOT_FOUND', 'CONFLICT'],
    handle: async (ctx, { body, raw }) => {
      const { webhooks, idempotency } = deps;
      const ref = webhookRef(ctx);
      await answerOnce(ctx, idempotency, raw, async ({ reserved }) => {
        const { endpoint } = await enabled(webhooks, ref);
        const range = rangeOf(body, idempotency.clock.now());
        const id = reserved?.aggregateId ?? idempotency.ids.next();
        const replay = await webhooks.deliveries.replay(ref, id, { ...range, topics: body.topics ?? endpoint.events });
        return { status: 202, headers: {}, body: replayView(replay) };
      });
    },
  });

const getReplayRoute = ({ webhooks }: RouteDeps) =>
  route({
    method: 'GET',
    path: '/webhooks/{id}/replays/{replayId}',
    scope,
    id: 'getReplay',
    tag,
    summary: 'See how far a replay has come',
    params: { id: webhookIdParameter, replayId: replayIdParameter },
    responses: { 200: { description: 'The replay', schema: replaySchema, example: replayExample } },
    errors: ['WEBHOOK_NOT_FOUND', 'NOT_FOUND'],
    handle: async (ctx) => {
      const ref = webhookRef(ctx);
      await registered(webhooks, ref);
      const replay = await webhooks.deliveries.findReplay(ref, ctx.params.replayId ?? '');
      if (replay === null) throw new ApiError('NOT_FOUND', 'The replay was not found');
      ctx.body = replayView(replay);
    },
  });

/** A range that is past. @throws ApiError VALIDATION_ERROR */
function rangeOf({ since, until }: { since: Date; until: Date | null }, now: Date): { since: Date; until: Date } {
  if (since > now) throw validationError([{ field: 'since', message: 'Must not be in the future' }]);
  if (until !== null && until < since) throw validationError([{ field: 'until', message: 'Must not be before since' }]);
  return { since, until: until === null || until > now ? now : until };
}

function deliveryView({ id, eventId, topic, contactId, status, attempts, nextAttemptAt }: LoggedDelivery) {
  return {
    id,
    eventId,
    event: topic,
    contactId,
    status,
    attempts: attempts.map(({ response, ...attempt }) => ({ ...attempt, response: response?.toString() ?? null })),
    nextAttemptAt,
  };
}

function replayView({ id, since, until, topics, deliveries, done }: Replay) {
  return { replayId: id, since, until, events: topics, status: done ? 'done' : 'running', deliveries };
}
