// What the routes of webhook endpoints and of their deliveries share.

import type { Outcome } from '../../commands/handle.js';
import type { WithSecret } from '../../commands/webhooks.js';
import type { WebhookEndpoint, WebhookEndpointState } from '../../domain/webhookEndpoint.js';
import type { EndpointRef, RegisteredEndpoint } from '../../ports/webhookEndpoints.js';
import { principalOf, type ApiContext } from '../context.js';
import type { WebhookDeps } from '../deps.js';
import { ApiError, refused, validationError, webhookNotFound } from '../errors.js';
import { etagOf } from '../etag.js';
import type { Answer } from '../idempotency.js';
import { exampleDeliveryId, exampleReplayId, exampleWebhookId } from '../openapi/webhookExamples.js';
import type { PathParameter } from '../routing.js';
import { parseId, uuid } from '../schemas/entity.js';
import { askedDeliverySchema, replaySchema } from '../schemas/webhooks.js';

export const webhookIdParameter: PathParameter = { schema: uuid, description: 'ID of the webhook endpoint', example: exampleWebhookId };

export const deliveryIdParameter: PathParameter = {
  schema: askedDeliverySchema.shape.deliveryId,
  description: 'ID of the delivery',
  example: exampleDeliveryId,
};

export const replayIdParameter: PathParameter = {
  schema: replaySchema.shape.replayId,
  description: 'ID of the replay',
  example: exampleReplayId,
};

/** The endpoint that the path names. @throws ApiError WEBHOOK_NOT_FOUND when it is no id */
export function webhookRef(ctx: ApiContext): EndpointRef {
  const endpointId = parseId(ctx.params.id ?? '');
  if (endpointId === undefined) throw webhookNotFound();
  return { organizationId: principalOf(ctx).organizationId, endpointId };
}

/** The endpoint as it stands. @throws ApiError WEBHOOK_NOT_FOUND */
export async function registered({ endpoints }: WebhookDeps, ref: EndpointRef): Promise<RegisteredEndpoint> {
  const found = await endpoints.find(ref);
  if (found === null) throw webhookNotFound();
  return found;
}

/** The endpoint, for what would wait in vain while it is disabled. @throws ApiError WEBHOOK_NOT_FOUND, CONFLICT */
export async function enabled(webhooks: WebhookDeps, ref: EndpointRef): Promise<RegisteredEndpoint> {
  const found = await registered(webhooks, ref);
  if (found.endpoint.status === 'disabled') throw new ApiError('CONFLICT', 'The webhook endpoint is disabled; enable it first');
  return found;
}

/** @throws ApiError VALIDATION_ERROR when no webhook may go there */
export function checkUrl({ urlIssue }: WebhookDeps, url: string): void {
  const issue = urlIssue(url);
  if (issue !== null) throw validationError([{ field: 'url', message: issue }]);
}

/** An endpoint as answers show it: never with a secret. */
export function webhookView(endpoint: WebhookEndpoint) {
  const { id, url, events, description, ordered, status, disabledReason, disabledAt, createdAt, updatedAt } = endpoint;
  return { id, url, events, description, ordered, status, disabledReason, disabledAt, createdAt, updatedAt };
}

/** The answer that shows a secret: once; sent again for the same key, it comes without. */
export function secretAnswer(outcome: WithSecret, status: number): Answer {
  if (!outcome.done) throw refused(outcome.refusal);
  const view = webhookView(endpointOf(outcome));
  return { status, headers: { ETag: etagOf(outcome.revision) }, body: { ...view, secret: outcome.secret }, kept: view };
}

/** The endpoint after a command. @throws ApiError when it came to nothing */
export function endpointOf(outcome: Outcome<WebhookEndpointState>): WebhookEndpoint {
  if (!outcome.done) throw refused(outcome.refusal);
  if (outcome.state.phase !== 'live') throw webhookNotFound();
  return outcome.state.endpoint;
}
