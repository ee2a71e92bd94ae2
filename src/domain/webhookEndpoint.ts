// A webhook endpoint: where an organization wants to be told of what, and whether it still can be.

import { accept, reject, type Decision } from './decision.js';
import type { Recorded } from './events/metadata.js';
import type { WebhookEndpointEvent } from './events/registry.js';
import type { disabledReasons, WebhookEndpointFields, webhookTopics } from './events/webhookEvents.js';
import { mergePatchBetween } from './json.js';

/** How many endpoints an organization can have. */
export const ENDPOINTS_MAX = 100;

/** How long a secret that was rotated out still signs, in ms, and how many secrets can sign at a time. */
export const SECRET_OVERLAP_MS = 24 * 3_600_000;
export const SECRETS_MAX = 5;

/** The name of a test delivery; no endpoint filters it. */
export const TEST_TOPIC = 'webhook.test';

export type WebhookTopic = (typeof webhookTopics)[number];
export type DisabledReason = (typeof disabledReasons)[number];

/** An endpoint as it stands. Times are ISO 8601 in UTC. */
export interface WebhookEndpoint extends WebhookEndpointFields {
  id: string;
  organizationId: string;
  status: 'enabled' | 'disabled';
  /** Why and since when it is disabled; null while it is not. */
  disabledReason: DisabledReason | null;
  disabledAt: string | null;
  createdAt: string;
  updatedAt: string;
}

export type WebhookEndpointState =
  | { phase: 'none' }
  | { phase: 'live'; endpoint: WebhookEndpoint; /** When the last secrets were made, oldest first. */ secretsMadeAt: string[] }
  | { phase: 'deleted' };

export type WebhookEndpointPatch = Partial<WebhookEndpointFields> & { status?: 'enabled' | 'disabled' };

export type WebhookEndpointCommand =
  /** `others` is how many endpoints the organization has already. */
  | { type: 'create'; id: string; fields: WebhookEndpointFields; others: number }
  | { type: 'update'; patch: WebhookEndpointPatch }
  | { type: 'rotateSecret'; now: string }
  /** By the dispatcher; nothing to do when it is disabled already. */
  | { type: 'disable'; reason: DisabledReason }
  | { type: 'delete' };

export const initialWebhookEndpoint: WebhookEndpointState = { phase: 'none' };

/** The events that follow from `command`; none when it changes nothing. */
export function decideWebhookEndpoint(state: WebhookEndpointState, command: WebhookEndpointCommand): Decision<WebhookEndpointEvent> {
  if (command.type === 'create') return decideCreate(state, command);
  if (state.phase !== 'live') return reject({ code: 'WEBHOOK_NOT_FOUND' });
  const endpointId = state.endpoint.id;
  switch (command.type) {
    case 'update':
      return decideUpdate(state.endpoint, command.patch);
    case 'rotateSecret': {
      const signing = state.secretsMadeAt.filter((at) => Date.parse(command.now) - Date.parse(at) < SECRET_OVERLAP_MS);
      if (signing.length < SECRETS_MAX) return accept({ type: 'WebhookEndpointSecretRotated', data: { endpointId } });
      return reject({ code: 'LIMIT_REACHED', message: `At most ${SECRETS_MAX} secrets can be made in 24 hours` });
    }
    case 'disable':
      if (state.endpoint.status === 'disabled') return accept();
      return accept({ type: 'WebhookEndpointDisabled', data: { endpointId, reason: command.reason } });
    case 'delete':
      return accept({ type: 'WebhookEndpointDeleted', data: { endpointId } });
  }
}

/** The state after one more event of the stream. */
export function evolveWebhookEndpoint(state: WebhookEndpointState, event: Recorded<WebhookEndpointEvent>): WebhookEndpointState {
  const at = event.metadata.occurredAt;
  if (event.type === 'WebhookEndpointCreated') return { phase: 'live', endpoint: newEndpoint(event), secretsMadeAt: [at] };
  if (event.type === 'WebhookEndpointDeleted') return { phase: 'deleted' };
  if (state.phase !== 'live') return state;
  const endpoint = { ...state.endpoint, updatedAt: at };
  switch (event.type) {
    case 'WebhookEndpointUpdated': {
      const enabled = event.data.changes.status === 'enabled' ? { disabledReason: null, disabledAt: null } : {};
      return { ...state, endpoint: { ...endpoint, ...withoutUndefined(event.data.changes), ...enabled } };
    }
    case 'WebhookEndpointDisabled':
      return { ...state, endpoint: { ...endpoint, status: 'disabled', disabledReason: event.data.reason, disabledAt: at } };
    case 'WebhookEndpointSecretRotated':
      return { ...state, endpoint, secretsMadeAt: [...state.secretsMadeAt, at].slice(-SECRETS_MAX) };
  }
}

function decideCreate(
  state: WebhookEndpointState,
  { id, fields, others }: Extract<WebhookEndpointCommand, { type: 'create' }>,
): Decision<WebhookEndpointEvent> {
  if (state.phase !== 'none') return reject({ code: 'ALREADY_EXISTS' });
  if (others >= ENDPOINTS_MAX) {
    return reject({ code: 'LIMIT_REACHED', message: `An organization can have at most ${ENDPOINTS_MAX} webhook endpoints` });
  }
  return accept({ type: 'WebhookEndpointCreated', data: { endpointId: id, endpoint: fields } });
}

function decideUpdate(endpoint: WebhookEndpoint, { status, ...patch }: WebhookEndpointPatch): Decision<WebhookEndpointEvent> {
  const endpointId = endpoint.id;
  const changed = Object.entries(patch).filter(
    ([field, value]) => mergePatchBetween(endpoint[field as keyof WebhookEndpointFields], value) !== undefined,
  );
  const enabled = status === 'enabled' && endpoint.status === 'disabled' ? { status } : {};
  const changes = { ...(Object.fromEntries(changed) as Partial<WebhookEndpointFields>), ...enabled };
  const events: WebhookEndpointEvent[] = [];
  if (Object.keys(changes).length > 0) {
    const previous = Object.fromEntries(Object.keys(changes).map((field) => [field, endpoint[field as keyof typeof changes]]));
    events.push({ type: 'WebhookEndpointUpdated', data: { endpointId, changes, previous } });
  }
  if (status === 'disabled' && endpoint.status === 'enabled') {
    events.push({ type: 'WebhookEndpointDisabled', data: { endpointId, reason: 'requested' } });
  }
  return accept(...events);
}

function newEndpoint(event: Recorded<Extract<WebhookEndpointEvent, { type: 'WebhookEndpointCreated' }>>): WebhookEndpoint {
  const at = event.metadata.occurredAt;
  return {
    ...event.data.endpoint,
    id: event.data.endpointId,
    organizationId: event.metadata.organizationId,
    status: 'enabled',
    disabledReason: null,
    disabledAt: null,
    createdAt: at,
    updatedAt: at,
  };
}

function withoutUndefined<Fields extends object>(fields: Fields): { [Key in keyof Fields]: Exclude<Fields[Key], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Key in keyof Fields]: Exclude<Fields[Key], undefined> };
}
