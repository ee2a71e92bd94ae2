// What a webhook endpoint decides: given what happened, when it is asked, then so.

import { describe, expect, test } from '@jest/globals';
import type { WebhookEndpointEvent } from '../../src/domain/events/registry.js';
import { webhookTopics, type WebhookEndpointFields } from '../../src/domain/events/webhookEvents.js';
import {
  decideWebhookEndpoint,
  ENDPOINTS_MAX,
  evolveWebhookEndpoint,
  initialWebhookEndpoint,
  SECRETS_MAX,
  type WebhookEndpointCommand,
} from '../../src/domain/webhookEndpoint.js';
import { eventMetadata } from '../contract/samples.js';

const fields: WebhookEndpointFields = { url: 'https://example.com/hook', events: [...webhookTopics], description: null, ordered: false };
const created: WebhookEndpointEvent = { type: 'WebhookEndpointCreated', data: { endpointId: 'e', endpoint: fields } };
const disabled: WebhookEndpointEvent = { type: 'WebhookEndpointDisabled', data: { endpointId: 'e', reason: 'gone' } };
const enabled: WebhookEndpointEvent = { type: 'WebhookEndpointUpdated', data: { endpointId: 'e', changes: { status: 'enabled' }, previous: { status: 'disabled' } } };
const rotated: WebhookEndpointEvent = { type: 'WebhookEndpointSecretRotated', data: { endpointId: 'e' } };
const deleted: WebhookEndpointEvent = { type: 'WebhookEndpointDeleted', data: { endpointId: 'e' } };

const at = (index: number) => `2026-03-01T10:0${index}:00.000Z`;
const given = (...events: WebhookEndpointEvent[]) =>
  events.reduce(
    (state, event, revision) =>
      evolveWebhookEndpoint(state, { ...event, id: `${revision}`, stream: 's', revision, position: `${revision}`, metadata: eventMetadata('acme', at(revision)) }),
    initialWebhookEndpoint,
  );
const when = (history: WebhookEndpointEvent[], command: WebhookEndpointCommand) => decideWebhookEndpoint(given(...history), command);
const then = (...events: WebhookEndpointEvent[]) => ({ accepted: true, events });
const refused = (code: string) => ({ accepted: false, rejection: expect.objectContaining({ code }) });

describe('a webhook endpoint', () => {
  test('is created once, and as one of a hundred at most', () => {
    expect(when([], { type: 'create', id: 'e', fields, others: ENDPOINTS_MAX - 1 })).toEqual(then(created));
    expect(when([], { type: 'create', id: 'e', fields, others: ENDPOINTS_MAX })).toEqual(refused('LIMIT_REACHED'));
    expect(when([created], { type: 'create', id: 'e', fields, others: 1 })).toEqual(refused('ALREADY_EXISTS'));
    expect(when([created, deleted], { type: 'create', id: 'e', fields, others: 0 })).toEqual(refused('ALREADY_EXISTS'));
  });

  test('is changed in what differs, and not at all by what does not', () => {
    const changes = { ordered: true };
    expect(when([created], { type: 'update', patch: { ...fields, ...changes } })).toEqual(then({ type: 'WebhookEndpointUpdated', data: { endpointId: 'e', changes, previous: { ordered: false } } }));
    expect(when([created], { type: 'update', patch: { ...fields, status: 'enabled' } })).toEqual(then());
  });

  test('is disabled on demand and by its answers, once, and enabled again', () => {
    const requested: WebhookEndpointEvent = { type: 'WebhookEndpointDisabled', data: { endpointId: 'e', reason: 'requested' } };
    expect(when([created], { type: 'update', patch: { status: 'disabled' } })).toEqual(then(requested));
    expect(when([created], { type: 'disable', reason: 'gone' })).toEqual(then(disabled));
    expect(when([created, disabled], { type: 'disable', reason: 'failing' })).toEqual(then());
    expect(when([created, disabled], { type: 'update', patch: { status: 'enabled' } })).toEqual(then(enabled));
    expect(given(created, disabled)).toMatchObject({ endpoint: { status: 'disabled', disabledReason: 'gone', disabledAt: at(1) } });
    expect(given(created, disabled, enabled)).toMatchObject({ endpoint: { status: 'enabled', disabledReason: null, disabledAt: null, updatedAt: at(2) } });
  });

  test('stays disabled, and says since when and why, when something else of it is changed', () => {
    const moved: WebhookEndpointEvent = { type: 'WebhookEndpointUpdated', data: { endpointId: 'e', changes: { url: 'https://example.com/new' }, previous: { url: fields.url } } };
    expect(when([created, disabled], { type: 'update', patch: { url: 'https://example.com/new' } })).toEqual(then(moved));
    expect(given(created, disabled, moved)).toMatchObject({
      endpoint: { url: 'https://example.com/new', status: 'disabled', disabledReason: 'gone', disabledAt: at(1), updatedAt: at(2) },
    });
  });

  test('rotates its secret so often that no more than five sign at a time', () => {
    const history = [created, ...Array.from({ length: SECRETS_MAX - 1 }, () => rotated)];
    expect(when(history.slice(1), { type: 'rotateSecret', now: at(9) })).toEqual(refused('WEBHOOK_NOT_FOUND'));
    expect(when(history.slice(0, -1), { type: 'rotateSecret', now: at(9) })).toEqual(then(rotated));
    expect(when(history, { type: 'rotateSecret', now: at(9) })).toEqual(refused('LIMIT_REACHED'));
    expect(when(history, { type: 'rotateSecret', now: '2026-03-02T10:00:00.000Z' })).toEqual(then(rotated));
  });

  test('that was deleted, or never was, is not found', () => {
    for (const history of [[], [created, deleted]]) {
      expect(when(history, { type: 'delete' })).toEqual(refused('WEBHOOK_NOT_FOUND'));
      expect(when(history, { type: 'update', patch: {} })).toEqual(refused('WEBHOOK_NOT_FOUND'));
    }
    expect(when([created], { type: 'delete' })).toEqual(then(deleted));
  });
});
