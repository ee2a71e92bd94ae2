// Webhook endpoints through the API: managed, told, signed, tested, rotated, replayed.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { startReceiver, status, until, type Received, type Receiver } from '../support/receiver.js';
import { startTestService, type Client, type TestService } from '../support/service.js';

let service: TestService;
let receiver: Receiver;
beforeAll(async () => {
  service = await startTestService({ WEBHOOK_ALLOW_PRIVATE_NETWORKS: 'true', WEBHOOK_RETRY_SCHEDULE: '0,0.05,0.05' });
});
afterAll(() => service.stop());
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

const register = async (client: Client, body: object = {}) => (await client.post('/webhooks', { url: receiver.url, ...body })).body;
const topics = () => receiver.received.map(({ body }) => body.event);
const arrived = (count: number) => until(() => receiver.received.length >= count, `${count} deliveries`);
const verify = (secret: string, { text, headers }: Received) => new Webhook(secret).verify(text, headers as Record<string, string>);

describe('endpoints', () => {
  test('are created with a secret that is shown once, listed, read, changed and deleted', async () => {
    const client = service.client();
    const created = await client.post('/webhooks', { url: receiver.url, events: ['contact.deleted', 'contact.created'], description: 'CRM' });
    expect(created.status).toBe(201);
    const { secret, ...view } = created.body;
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(view).toEqual({
      id: expect.any(String),
      url: receiver.url,
      events: ['contact.created', 'contact.deleted'],
      description: 'CRM',
      ordered: false,
      status: 'enabled',
      disabledReason: null,
      disabledAt: null,
      createdAt: expect.any(String),
      updatedAt: view.createdAt,
    });
    expect(created.headers.get('Location')).toBe(`/api/v1/webhooks/${view.id}`);
    const read = await client.get(`/webhooks/${view.id}`);
    expect(read.body).toEqual(view);
    expect((await client.get('/webhooks')).body).toEqual({ data: [view] });
    const changed = await client.put(`/webhooks/${view.id}`, { ...view, events: null, ordered: true });
    expect(changed.body).toMatchObject({ ordered: true, description: 'CRM' });
    expect(changed.body.events).toHaveLength(5);
    expect((await client.put(`/webhooks/${view.id}`, { ordered: false }, { 'If-Match': read.headers.get('ETag') ?? '' })).status).toBe(412);
    expect((await client.delete(`/webhooks/${view.id}`)).status).toBe(204);
    for (const path of ['', '/deliveries']) expect((await client.get(`/webhooks/${view.id}${path}`)).body.error).toBe('WEBHOOK_NOT_FOUND');
    expect((await client.get('/webhooks')).body).toEqual({ data: [] });
  });

  test('of another organization are not there, and a token needs the scope', async () => {
    const { id } = await register(service.client());
    const stranger = service.client();
    const tries = [
      stranger.get(`/webhooks/${id}`),
      stranger.put(`/webhooks/${id}`, { ordered: true }),
      stranger.delete(`/webhooks/${id}`),
      stranger.post(`/webhooks/${id}/test`),
      stranger.post(`/webhooks/${id}/rotate-secret`),
      stranger.post(`/webhooks/${id}/replay`, { since: '2020-01-01T00:00:00Z' }),
      stranger.get(`/webhooks/${id}/deliveries`),
    ];
    for (const { status: code, body } of await Promise.all(tries)) expect([code, body.error]).toEqual([404, 'WEBHOOK_NOT_FOUND']);
    const narrow = service.client(undefined, { scope: 'contacts:read contacts:write' });
    expect((await narrow.get('/webhooks')).status).toBe(403);
  });

  test.each([
    [{}, 'url'],
    [{ url: 'ftp://example.com' }, 'url'],
    [{ url: 'not a url' }, 'url'],
    [{ url: 'https://user:pass@example.com' }, 'url'],
    [{ url: 'https://example.com', events: ['contact.eaten'] }, 'events.0'],
    [{ url: 'https://example.com', events: [] }, 'events'],
    [{ url: 'https://example.com', ordered: 'yes' }, 'ordered'],
    [{ url: 'https://example.com', colour: 'red' }, 'colour'],
  ])('with %j are refused, naming %s', async (body, field) => {
    const answer = await service.client().post('/webhooks', body);
    expect(answer.status).toBe(400);
    expect(answer.body.details.map((detail: { field: string }) => detail.field)).toEqual([field]);
  });

  test('created again with the same Idempotency-Key are the same, without the secret', async () => {
    const client = service.client();
    const key = { 'Idempotency-Key': 'one' };
    const { secret, ...view } = (await client.post('/webhooks', { url: receiver.url }, key)).body;
    const again = await client.post('/webhooks', { url: receiver.url }, key);
    expect(secret).toBeDefined();
    expect([again.status, again.headers.get('Idempotency-Replayed'), again.body]).toEqual([201, 'true', view]);
  });
});

describe('deliveries', () => {
  test('tell of everything that happens to a contact, signed, with the contact as of the event', async () => {
    const client = service.client();
    const { id: endpoint, secret } = await register(client);
    const company = (await client.post('/companies', { name: 'Acme', entityTypes: ['Company'] })).body;
    const contact = (await client.post('/contacts', { name: 'Ada', parentEntityId: company.id })).body;
    await client.put(`/contacts/${contact.id}`, { name: 'Ada L', status: 'inactive' });
    await client.put(`/contacts/${contact.id}`, { status: 'active' });
    await client.put(`/contacts/${contact.id}`, { name: 'Ada L' });
    await client.post(`/contacts/${contact.id}/set-primary/${company.id}`);
    await client.delete(`/contacts/${contact.id}`);
    await arrived(7);
    expect(topics()).toEqual([
      'contact.created',
      'contact.updated',
      'contact.status_changed',
      'contact.updated',
      'contact.status_changed',
      'contact.primary_set',
      'contact.deleted',
    ]);
    const data = receiver.received.map(({ body }) => body.data);
    expect(data[0]).toEqual(contact);
    expect(data[1]).toMatchObject({ name: 'Ada L', status: 'inactive', isActive: false });
    expect(data[2]).toEqual({ ...data[1], previousStatus: 'active' });
    expect(data[5]).toMatchObject({ id: contact.id, companyId: company.id });
    expect(data[6]).toEqual(data[3]);
    for (const one of receiver.received) {
      expect(Object.keys(one.body)).toEqual(['event', 'timestamp', 'data']);
      expect(verify(secret, one)).toEqual(one.body);
    }
    const sequences = receiver.received.map(({ headers }) => Number(headers['webhook-sequence']));
    expect(sequences).toEqual([0, 2, 2, 3, 3, 3, 4]);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-subject']))).toEqual(new Set([contact.id]));
    // The receiver has a delivery before the log says so.
    await until(async () => (await client.get(`/webhooks/${endpoint}/deliveries?status=pending`)).body.data.length === 0, 'the log');
    const log = (await client.get(`/webhooks/${endpoint}/deliveries`)).body;
    expect(log.nextCursor).toBeNull();
    expect(log.data.map((delivery: { id: string }) => delivery.id).reverse()).toEqual(receiver.received.map(({ id }) => id));
    expect(log.data[0]).toEqual({
      id: receiver.received[6]?.id,
      eventId: expect.any(String),
      event: 'contact.deleted',
      contactId: contact.id,
      status: 'delivered',
      attempts: [{ at: expect.any(String), status: 200, durationMs: expect.any(Number), error: null, response: 'ok' }],
      nextAttemptAt: null,
    });
  });

  test('come for chosen events only, and for what happens from then on', async () => {
    const client = service.client();
    await client.post('/contacts', { name: 'Before' });
    await register(client, { events: ['contact.deleted'] });
    const { id } = (await client.post('/contacts', { name: 'After' })).body;
    await client.delete(`/contacts/${id}`);
    await arrived(1);
    expect(topics()).toEqual(['contact.deleted']);
  });

  test('are paged by cursor and filtered by status', async () => {
    const client = service.client();
    const { id } = await register(client);
    for (const name of ['one', 'two', 'three']) await client.post('/contacts', { name });
    await until(async () => (await client.get(`/webhooks/${id}/deliveries?status=delivered`)).body.data.length === 3);
    const first = (await client.get(`/webhooks/${id}/deliveries?limit=2`)).body;
    const second = (await client.get(`/webhooks/${id}/deliveries?limit=2&cursor=${first.nextCursor}`)).body;
    expect([first.data.length, second.data.length, second.nextCursor]).toEqual([2, 1, null]);
    expect((await client.get(`/webhooks/${id}/deliveries?status=failed`)).body.data).toEqual([]);
    const wrong = await Promise.all(['limit=0', 'cursor=x', 'status=lost', 'page=1'].map((query) => client.get(`/webhooks/${id}/deliveries?${query}`)));
    expect(wrong.map(({ status: code }) => code)).toEqual([400, 400, 400, 400]);
  });

  test('that failed are tried again with the same id and bytes, fail for good, and can be retried', async () => {
    receiver.answer = status(500);
    const client = service.client();
    const { id } = await register(client);
    await client.post('/contacts', { name: 'Ada' });
    const one = async () => (await client.get(`/webhooks/${id}/deliveries`)).body.data[0];
    await until(async () => (await one())?.status === 'failed');
    expect(receiver.received).toHaveLength(3);
    expect(new Set(receiver.received.map(({ id: webhookId, text }) => webhookId + text)).size).toBe(1);
    expect((await one()).attempts).toMatchObject([{ status: 500, error: 'HTTP 500' }, { status: 500 }, { status: 500 }]);
    receiver.answer = status(204);
    const delivery = (await one()).id;
    expect(await client.post(`/webhooks/${id}/deliveries/${delivery}/retry`)).toMatchObject({ status: 202, body: { deliveryId: delivery } });
    await until(async () => (await one()).status === 'delivered');
    expect((await one()).attempts).toHaveLength(4);
    expect(receiver.received[3]?.text).toBe(receiver.received[0]?.text);
    expect((await client.post(`/webhooks/${id}/deliveries/msg_none/retry`)).body.error).toBe('NOT_FOUND');
  });

  test('of a test go to an endpoint whatever it listens to', async () => {
    const client = service.client();
    const { id, secret } = await register(client, { events: ['contact.deleted'] });
    const asked = await client.post(`/webhooks/${id}/test`);
    expect(asked.status).toBe(202);
    await arrived(1);
    expect(receiver.received[0]?.id).toBe(asked.body.deliveryId);
    expect(verify(secret, receiver.received[0] as Received)).toMatchObject({ event: 'webhook.test', data: { webhookId: id } });
  });

  test('are signed by the old and the new secret once it was rotated', async () => {
    const client = service.client();
    const { id, secret } = await register(client);
    const rotated = await client.post(`/webhooks/${id}/rotate-secret`);
    expect(rotated.status).toBe(200);
    expect(rotated.body.secret).not.toBe(secret);
    await client.post(`/webhooks/${id}/test`);
    await arrived(1);
    const [one] = receiver.received as [Received];
    expect(String(one.headers['webhook-signature']).split(' ')).toHaveLength(2);
    for (const each of [secret, rotated.body.secret]) expect(verify(each, one)).toBeDefined();
  });

  test('stop when the endpoint answers 410 or is disabled, and the reason is shown', async () => {
    receiver.answer = status(410);
    const client = service.client();
    const { id } = await register(client);
    await client.post('/contacts', { name: 'Ada' });
    const endpoint = async () => (await client.get(`/webhooks/${id}`)).body;
    await until(async () => (await endpoint()).status === 'disabled');
    expect(await endpoint()).toMatchObject({ disabledReason: 'gone', disabledAt: expect.any(String) });
    await client.post('/contacts', { name: 'Unheard' });
    expect((await client.post(`/webhooks/${id}/test`)).status).toBe(409);
    receiver.answer = status(200);
    expect((await client.put(`/webhooks/${id}`, { status: 'enabled' })).body).toMatchObject({ status: 'enabled', disabledReason: null, disabledAt: null });
    await client.post('/contacts', { name: 'Bob' });
    await arrived(2);
    expect(receiver.received.map(({ body }) => body.data.name)).toEqual(['Ada', 'Bob']);
    expect((await client.put(`/webhooks/${id}`, { status: 'disabled' })).body).toMatchObject({ status: 'disabled', disabledReason: 'requested' });
  });

  test('of a range of time are replayed with their ids, also what came while it was disabled', async () => {
    const client = service.client();
    const { id } = await register(client);
    await client.post('/contacts', { name: 'First' });
    await arrived(1);
    await client.put(`/webhooks/${id}`, { status: 'disabled' });
    const since = new Date().toISOString();
    await client.post('/contacts', { name: 'Second' });
    await client.put(`/webhooks/${id}`, { status: 'enabled' });
    await client.post('/contacts', { name: 'Third' });
    await arrived(2);
    // What is still under way is not sent again by a replay: it arrives anyhow.
    const statuses = async () => (await client.get(`/webhooks/${id}/deliveries`)).body.data.map((delivery: { status: string }) => delivery.status) as string[];
    await until(async () => (await statuses()).every((one) => one === 'delivered'), 'the deliveries to be recorded');
    const replay = await client.post(`/webhooks/${id}/replay`, { since });
    expect(replay.status).toBe(202);
    const progress = async () => (await client.get(`/webhooks/${id}/replays/${replay.body.replayId}`)).body;
    await until(async () => (await progress()).status === 'done');
    expect(await progress()).toMatchObject({ deliveries: 2 });
    await arrived(4);
    const named = (name: string) => receiver.received.filter(({ body }) => body.data.name === name).map(({ id: webhookId }) => webhookId);
    expect([named('First').length, named('Second').length, named('Third').length]).toEqual([1, 1, 2]);
    expect(new Set(named('Third')).size).toBe(1);
    const wrong = [{}, { since: 'yesterday' }, { since: '2999-01-01T00:00:00Z' }, { since: '0000-01-01T00:00:00+01:00' }, { since, until: '2020-01-01T00:00:00Z' }];
    const answers = await Promise.all(wrong.map((body) => client.post(`/webhooks/${id}/replay`, body)));
    expect(answers.map(({ body }) => body.details?.[0]?.field)).toEqual(['since', 'since', 'since', 'since', 'until']);
  });
});
