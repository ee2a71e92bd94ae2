// The routes of webhook endpoints and their secrets.

import { principalOf } from '../context.js';
import type { RouteDeps } from '../deps.js';
import { refused } from '../errors.js';
import { clientHas, etagOf, preconditions } from '../etag.js';
import { answerOnce } from '../idempotency.js';
import { createdResponse, resourceResponse } from '../openapi/responses.js';
import { newWebhookExample, webhookExample, webhookPatchExample, webhookWithSecretExample } from '../openapi/webhookExamples.js';
import { BASE_PATH, route, type Route } from '../routing.js';
import { noParameters } from '../schemas/queries.js';
import { newWebhookSchema, webhookPatchSchema, webhookSchema, webhooksSchema, webhookWithSecretSchema } from '../schemas/webhooks.js';
import { conditionalContext } from './resources.js';
import { checkUrl, endpointOf, registered, secretAnswer, webhookIdParameter, webhookRef, webhookView } from './webhookResources.js';

export function webhookRoutes(deps: RouteDeps): Route[] {
  return [createRoute(deps), listRoute(deps), getRoute(deps), ...changeRoutes(deps), deleteRoute(deps), rotateRoute(deps)];
}

const tag = 'Webhooks';
const scope = 'webhooks:manage';

const createRoute = ({ webhooks, idempotency }: RouteDeps) =>
  route({
    method: 'POST',
    path: '/webhooks',
    scope,
    id: 'createWebhook',
    tag,
    summary: 'Create a webhook endpoint',
    description: `It is told of what happens from then on. The \`secret\` that deliveries are signed with, by the Standard Webhooks convention, is shown this once. An organization can have 100 endpoints.`,
    body: newWebhookSchema,
    bodyExample: newWebhookExample,
    accepts: ['Idempotency-Key'],
    responses: { 201: createdResponse('The new endpoint and its secret', webhookWithSecretSchema, webhookWithSecretExample) },
    errors: ['CONFLICT'],
    handle: async (ctx, { body, raw }) => {
      checkUrl(webhooks, body.url);
      await answerOnce(ctx, idempotency, raw, async (context) => {
        const outcome = await webhooks.commands.create(context, body);
        const answer = secretAnswer(outcome, 201);
        return { ...answer, headers: { ...answer.headers, Location: `${BASE_PATH}/webhooks/${endpointOf(outcome).id}` } };
      });
    },
  });

const listRoute = ({ webhooks }: RouteDeps) =>
  route({
    method: 'GET',
    path: '/webhooks',
    scope,
    id: 'listWebhooks',
    tag,
    summary: 'List the webhook endpoints',
    responses: { 200: { description: 'All of them, the oldest first', schema: webhooksSchema, example: { data: [webhookExample] } } },
    handle: async (ctx) => {
      const endpoints = await webhooks.endpoints.list(principalOf(ctx).organizationId);
      ctx.body = { data: endpoints.map(({ endpoint }) => webhookView(endpoint)) };
    },
  });

const getRoute = ({ webhooks }: RouteDeps) =>
  route({
    method: 'GET',
    path: '/webhooks/{id}',
    scope,
    id: 'getWebhook',
    tag,
    summary: 'Get a webhook endpoint',
    params: { id: webhookIdParameter },
    accepts: ['If-None-Match'],
    responses: { 200: resourceResponse('The endpoint', webhookSchema, webhookExample) },
    errors: ['WEBHOOK_NOT_FOUND'],
    handle: async (ctx) => {
      const { endpoint, revision } = await registered(webhooks, webhookRef(ctx));
      const etag = etagOf(revision);
      ctx.set('ETag', etag);
      if (clientHas(ctx, etag)) ctx.status = 304;
      else ctx.body = webhookView(endpoint);
    },
  });

/** PUT and PATCH are the same. */
function changeRoutes({ webhooks }: RouteDeps): Route[] {
  const change = (method: 'PUT' | 'PATCH', id: string) =>
    route({
      method,
      path: '/webhooks/{id}',
      scope,
      id,
      tag,
      summary: method === 'PUT' ? 'Update a webhook endpoint' : 'Update a webhook endpoint (the same as PUT)',
      description:
        'A JSON merge patch. `status` disables it and enables it again: while it is disabled nothing is sent, and what happens is not queued; a replay sends it.',
      params: { id: webhookIdParameter },
      body: webhookPatchSchema,
      bodyExample: webhookPatchExample,
      accepts: ['If-Match', 'If-None-Match'],
      responses: { 200: resourceResponse('The endpoint as it is now', webhookSchema, { ...webhookExample, ...webhookPatchExample }) },
      errors: ['WEBHOOK_NOT_FOUND', 'CONFLICT'],
      handle: async (ctx, { body }) => {
        const { endpointId } = webhookRef(ctx);
        if (body.url !== undefined) checkUrl(webhooks, body.url);
        const outcome = await webhooks.commands.update(conditionalContext(ctx), endpointId, body);
        ctx.body = webhookView(endpointOf(outcome));
        if (outcome.done) ctx.set('ETag', etagOf(outcome.revision));
      },
    });
  return [change('PUT', 'updateWebhook'), change('PATCH', 'patchWebhook')];
}

const deleteRoute = ({ webhooks }: RouteDeps) =>
  route({
    method: 'DELETE',
    path: '/webhooks/{id}',
    scope,
    id: 'deleteWebhook',
    tag,
    summary: 'Delete a webhook endpoint',
    description: 'Its secrets are destroyed, and what is pending is not sent.',
    params: { id: webhookIdParameter },
    accepts: ['If-Match', 'If-None-Match'],
    responses: { 204: { description: 'It is deleted' } },
    errors: ['WEBHOOK_NOT_FOUND', 'CONFLICT'],
    handle: async (ctx) => {
      const outcome = await webhooks.commands.delete(conditionalContext(ctx), webhookRef(ctx).endpointId);
      if (!outcome.done) throw refused(outcome.refusal);
      ctx.status = 204;
    },
  });

const rotateRoute = ({ webhooks, idempotency }: RouteDeps) =>
  route({
    method: 'POST',
    path: '/webhooks/{id}/rotate-secret',
    scope,
    id: 'rotateWebhookSecret',
    tag,
    summary: 'Make a new secret',
    description: 'Shown this once. For 24 hours deliveries are signed with the secrets before it, too; five can sign at a time.',
    params: { id: webhookIdParameter },
    body: noParameters.optional(),
    accepts: ['Idempotency-Key', 'If-Match', 'If-None-Match'],
    responses: { 200: resourceResponse('The endpoint and its new secret', webhookWithSecretSchema, webhookWithSecretExample) },
    errors: ['WEBHOOK_NOT_FOUND', 'CONFLICT'],
    handle: async (ctx, { raw }) => {
      const { endpointId } = webhookRef(ctx);
      await answerOnce(ctx, idempotency, raw, async (context) => {
        const conditional = { ...context, ...preconditions(ctx) };
        return secretAnswer(await webhooks.commands.rotateSecret(conditional, endpointId), 200);
      });
    },
  });
