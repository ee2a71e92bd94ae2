// The description of events and webhooks: whole, true to what is told, and where every `dataschema` leads.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { publishedTypes } from '../../src/domain/events/published.js';
import { startReceiver, until } from '../support/receiver.js';
import { startTestService, type Client, type TestService } from '../support/service.js';
import { openStream, take } from '../support/sse.js';

interface Document {
  channels: Record<string, { messages: Record<string, unknown> }>;
  components: { messages: Record<string, { examples?: { payload: unknown }[]; headers?: { properties: object } }>; schemas: object };
}

let service: TestService;
let document: Document;
const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
beforeAll(async () => {
  service = await startTestService({ WEBHOOK_ALLOW_PRIVATE_NETWORKS: 'true' });
  document = (await (await fetch(`${service.origin}/asyncapi.json`)).json()) as Document;
  ajv.addSchema(document, '/asyncapi.json');
});
afterAll(() => service.stop());

/** What keeps `value` from fitting the schema at a place of the document. */
function faults(place: string, value: unknown): unknown {
  const validate = ajv.getSchema(place) ?? ajv.compile({ $ref: place });
  return validate(value) === true ? [] : validate.errors;
}

/** Has an event of every published type made. */
async function makeEach(client: Client): Promise<void> {
  const company = (await client.post('/companies', { name: 'Acme', address: { city: 'Kyiv' } })).body.id as string;
  const body = { name: 'Ada', parentEntityId: company, customFields: { a: [1] }, address: { city: 'Rome', countryCode: 'IT' }, metadata: { title: 'Countess' } };
  const { id } = (await client.post('/contacts', body)).body;
  await client.post(`/contacts/${id}/set-primary/${company}`);
  await client.put(`/contacts/${id}`, { email: 'ada@x.org', address: null, metadata: { title: 'Dr' }, customFields: { b: {} }, status: 'inactive' });
  await client.delete(`/contacts/${id}`);
  await client.post(`/contacts/${id}/restore`);
  await client.post(`/contacts/${id}/erase`, { reason: 'DSR-1' });
  await client.put(`/companies/${company}`, { name: 'Acme Ltd', address: { city: null } });
  await client.delete(`/companies/${company}`);
}

test('it is served without a token, can be cached, and every reference in it leads somewhere', async () => {
  const first = await fetch(`${service.origin}/asyncapi.json`);
  expect([first.status, first.headers.get('Cache-Control')]).toEqual([200, 'public, max-age=300']);
  expect(document).toMatchObject({ asyncapi: '3.0.0', channels: { stream: { address: '/events/stream' }, pages: { address: '/events' } } });
  expect((await fetch(`${service.origin}/asyncapi.json`, { headers: { 'If-None-Match': first.headers.get('ETag') ?? '' } })).status).toBe(304);
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#([^"]+)"/g)].map(([, pointer]) => pointer as string);
  expect(references.length).toBeGreaterThan(20);
  for (const pointer of references) {
    const found = pointer.split('/').slice(1).reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
    expect({ pointer, found: typeof found }).toEqual({ pointer, found: 'object' });
  }
});

test('events of every type, the erased among them, fit what is said of them, and so does the page', async () => {
  const client = service.client();
  await makeEach(client);
  const page = (await client.get('/events?limit=1000')).body;
  expect(new Set(page.data.map(({ type }: { type: string }) => type.split('.').at(-1)))).toEqual(new Set(publishedTypes));
  expect(Object.keys(document.channels.stream?.messages ?? {})).toEqual(publishedTypes);
  for (const event of page.data) {
    const type = event.type.split('.').at(-1);
    expect(event.dataschema).toBe(`/asyncapi.json#/components/schemas/${type}`);
    expect({ type, data: faults(event.dataschema, event.data) }).toEqual({ type, data: [] });
    expect({ type, event: faults(`/asyncapi.json#/components/messages/${type}/payload`, event) }).toEqual({ type, event: [] });
    expect(faults(event.dataschema, { ...event.data, contactId: 7, companyId: 7 })).not.toEqual([]);
  }
  expect(faults('/asyncapi.json#/components/messages/EventsPage/payload', page)).toEqual([]);
  const streamed = await take(await openStream(client), page.data.length);
  expect(streamed.map(({ data }) => data)).toEqual(page.data);
});

test('what is sent to endpoints fits what is said of it, and so do the examples', async () => {
  const receiver = await startReceiver();
  const client = service.client();
  const { id } = (await client.post('/webhooks', { url: receiver.url })).body;
  await client.post('/contacts', { name: 'Ada' });
  await client.post(`/webhooks/${id}/test`, {});
  await until(() => receiver.received.length > 1, 'both deliveries');
  expect(receiver.received.map(({ body }) => body.event).toSorted()).toEqual(['contact.created', 'webhook.test']);
  for (const { body, headers } of receiver.received) {
    const message = `/asyncapi.json#/components/messages/${body.event}`;
    expect(faults(`${message}/payload`, body)).toEqual([]);
    expect(faults(`${message}/headers`, headers)).toEqual([]);
    const described = Object.keys(document.components.messages[body.event]?.headers?.properties ?? {});
    expect(described).toEqual(Object.keys(headers).filter((name) => name.startsWith('webhook-')));
  }
  const examples = Object.entries(document.components.messages).flatMap(([name, { examples = [] }]) => examples.map(({ payload }) => ({ name, payload })));
  expect(examples.length).toBe(Object.keys(document.channels.webhooks?.messages ?? {}).length);
  for (const { name, payload } of examples) expect(faults(`/asyncapi.json#/components/messages/${name}/payload`, payload)).toEqual([]);
  await receiver.close();
});
