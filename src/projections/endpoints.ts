// What happened to webhook endpoints, for the audit: a history alone. The endpoints themselves are
// kept with their deliveries, so that there are no documents here.

import type { Recorded } from '../domain/events/metadata.js';
import type { WebhookEndpointEvent } from '../domain/events/registry.js';
import { webhookEventSchemas } from '../domain/events/webhookEvents.js';
import type { FieldChange } from '../domain/history.js';
import type { Json } from '../domain/json.js';
import { companyKeys } from '../domain/keys.js';
import type { RecordedEvent } from '../ports/eventStore.js';
import type { Projection } from '../ports/projection.js';

export const endpointsProjection: Projection = {
  name: 'endpoints',
  version: 1,
  category: 'webhook',
  subject: (event) => (isEndpointEvent(event) ? { organizationId: event.metadata.organizationId, id: event.data.endpointId } : null),
  evolve: () => null,
  keys: companyKeys,
  changed: (_before, event) => (isEndpointEvent(event) ? changesBy(event) : null),
};

function changesBy(event: Recorded<WebhookEndpointEvent>): FieldChange[] {
  switch (event.type) {
    case 'WebhookEndpointCreated':
      return changesTo({ ...event.data.endpoint, status: 'enabled' });
    case 'WebhookEndpointUpdated':
      return changesTo(event.data.changes, event.data.previous);
    case 'WebhookEndpointDisabled':
      return changesTo({ status: 'disabled', disabledReason: event.data.reason }, { status: 'enabled' });
    case 'WebhookEndpointSecretRotated':
    case 'WebhookEndpointDeleted':
      return [];
  }
}

function changesTo(fields: Record<string, Json | undefined>, previous: Record<string, Json | undefined> = {}): FieldChange[] {
  return Object.entries(fields).flatMap(([field, to = null]) => {
    const from = previous[field] ?? null;
    return from === null && to === null ? [] : [{ field, from, to }];
  });
}

function isEndpointEvent(event: RecordedEvent): event is Recorded<WebhookEndpointEvent> {
  return Object.hasOwn(webhookEventSchemas, event.type);
}
