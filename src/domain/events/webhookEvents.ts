// The events of a webhook endpoint's stream. None holds a secret.

import { z } from 'zod';

/** What an endpoint can be told of. */
export const webhookTopics = [
  'contact.created',
  'contact.updated',
  'contact.deleted',
  'contact.status_changed',
  'contact.primary_set',
] as const;

/**
 * Why an endpoint is disabled: somebody asked for it, it answered 410, or it failed for five days
 * without a success.
 */
export const disabledReasons = ['requested', 'gone', 'failing'] as const;

const endpointId = z.string();

const endpointFieldsSchema = z.object({
  url: z.string(),
  events: z.array(z.enum(webhookTopics)),
  description: z.string().nullable(),
  /** Whether a delivery waits until the one before it about the same contact is settled. */
  ordered: z.boolean(),
});

export type WebhookEndpointFields = z.infer<typeof endpointFieldsSchema>;

export const webhookEventSchemas = {
  WebhookEndpointCreated: z.object({ endpointId, endpoint: endpointFieldsSchema }),
  /** Only what changed, and what that was before. `status` is there when it was enabled again. */
  WebhookEndpointUpdated: z.object({
    endpointId,
    changes: endpointFieldsSchema.extend({ status: z.literal('enabled') }).partial(),
    previous: endpointFieldsSchema.extend({ status: z.literal('disabled') }).partial().optional(),
  }),
  WebhookEndpointSecretRotated: z.object({ endpointId }),
  WebhookEndpointDisabled: z.object({ endpointId, reason: z.enum(disabledReasons) }),
  WebhookEndpointDeleted: z.object({ endpointId }),
} as const;
