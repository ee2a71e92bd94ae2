// Examples of webhooks.

import { contactExample, exampleIds } from './examples.js';

export const exampleWebhookId = '0197f3a2-6c1e-7d4b-9a55-3f0c9a4e0b77';
export const exampleDeliveryId = 'msg_9rUy0bNqk2mZ1pVfX7tHc3LwEaD';
export const exampleReplayId = '0197f3b9-1f20-7c33-8e10-5a1de2b7a111';

export const newWebhookExample = { url: 'https://crm.example.com/hooks/contacts', events: ['contact.created', 'contact.deleted'], description: 'CRM' };

export const webhookExample = {
  id: exampleWebhookId,
  ...newWebhookExample,
  ordered: false,
  status: 'enabled',
  disabledReason: null,
  disabledAt: null,
  createdAt: '2025-06-03T10:15:30.000Z',
  updatedAt: '2025-06-03T10:15:30.000Z',
};

export const webhookWithSecretExample = { ...webhookExample, secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw4yGbWgq3N5c=' };

export const webhookPatchExample = { ordered: true };

export const newReplayExample = { since: '2025-06-03T00:00:00Z', events: ['contact.created'] };

export const replayExample = {
  replayId: exampleReplayId,
  since: '2025-06-03T00:00:00.000Z',
  until: '2025-06-03T12:00:00.000Z',
  events: ['contact.created'],
  status: 'running',
  deliveries: 0,
};

export const deliveriesExample = {
  data: [
    {
      id: exampleDeliveryId,
      eventId: '0197f3a4-22b8-7e5a-b1c9-6d43765c9f8c',
      event: 'contact.created',
      contactId: exampleIds.contact,
      status: 'delivered',
      attempts: [{ at: contactExample.createdAt, status: 200, durationMs: 41.5, error: null, response: 'ok' }],
      nextAttemptAt: null,
    },
  ],
  nextCursor: null,
};
