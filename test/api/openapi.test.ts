// The description of the API: whole, true to what is answered, and with examples that fit it.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { apiRoutes } from '../../src/api/app.js';
import { errorCatalog } from '../../src/api/errors.js';
import { contactPatchSchema, newCompanySchema, newContactSchema } from '../../src/api/schemas/entity.js';
import type { RouteDeps } from '../../src/api/deps.js';
import { descriptionOf, type Description } from '../support/described.js';
import { startReceiver, until } from '../support/receiver.js';
import { startTestService, type TestService } from '../support/service.js';

let service: TestService;
let description: Description;
beforeAll(async () => {
  service = await startTestService();
  description = await descriptionOf(service.origin);
});
afterAll(() => service.stop());

// Routes are only looked at here, never asked.
const routes = apiRoutes({} as RouteDeps);

/** Every object in the document, with its place as a JSON pointer. */
function* objectsIn(value: unknown, pointer = '#'): Generator<[string, Record<string, unknown>]> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield [pointer, value as Record<string, unknown>];
  for (const [key, inner] of Object.entries(value)) {
    yield* objectsIn(inner, `${pointer}/${encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'))}`);
  }
}

test('it is served without a token, can be cached, and is asked again by its ETag', async () => {
  const first = await fetch(`${service.origin}/openapi.json`);
  expect(first.status).toBe(200);
  expect(first.headers.get('Content-Type')).toMatch(/^application\/json/);
  expect(first.headers.get('Cache-Control')).toBe('public, max-age=300');
  expect(await first.json()).toMatchObject({ openapi: '3.1.0', servers: [{ url: '/api/v1' }], security: [{ bearer: [] }] });
  const etag = first.headers.get('ETag') ?? '';
  expect((await fetch(`${service.origin}/openapi.json`, { headers: { 'If-None-Match': etag } })).status).toBe(304);
  const posted = await fetch(`${service.origin}/openapi.json`, { method: 'POST' });
  expect([posted.status, posted.headers.get('Allow')]).toEqual([405, 'GET, HEAD']);
});

test('a contact that the client has is answered 304, though fetch asks for no cache', async () => {
  const client = service.client();
  const { headers, body } = await client.post('/contacts', { name: 'Ada' });
  const etag = headers.get('ETag') ?? '';
  expect((await client.get(`/contacts/${body.id}`, { 'If-None-Match': `"1.7", W/${etag}` })).status).toBe(304);
  expect((await client.get(`/contacts/${body.id}`, { 'If-None-Match': '"1.7"' })).status).toBe(200);
});

test('every route is in it, each with a name of its own and a summary', () => {
  expect(routes.length).toBeGreaterThan(15);
  for (const { method, path, id, summary, tag } of routes) {
    expect(description.document.paths[path]?.[method.toLowerCase()]).toMatchObject({ operationId: id, summary, tags: [tag] });
    expect(summary.length).toBeGreaterThan(5);
  }
  expect(new Set(routes.map(({ id }) => id)).size).toBe(routes.length);
});

test('every parameter of a path is described, and no other', () => {
  for (const { path, params = {} } of routes) {
    expect({ path, params: Object.keys(params) }).toEqual({ path, params: [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name) });
  }
});

test('every reference leads somewhere, every component is referred to', () => {
  const places = new Map([...objectsIn(description.document)]);
  const referred = new Set<string>();
  for (const [pointer, { $ref }] of places) {
    if (typeof $ref !== 'string') continue;
    referred.add($ref);
    expect({ pointer, $ref, leads: places.has($ref) }).toEqual({ pointer, $ref, leads: true });
  }
  const schemas = Object.keys((description.document.components as unknown as { schemas: object }).schemas);
  expect(schemas.length).toBeGreaterThan(10);
  expect(schemas.filter((name) => !referred.has(`#/components/schemas/${name}`))).toEqual([]);
});

test('every error code has an example and stands under its status', () => {
  const said = JSON.stringify(description.document);
  for (const [code, { status }] of Object.entries(errorCatalog)) {
    expect(said).toContain(`#/components/examples/${code}`);
    const answers = Object.entries(description.document.components.responses).filter(([name]) => name.split('-').includes(code));
    expect({ code, answers: answers.length > 0 }).toEqual({ code, answers: true });
    for (const [name] of answers) {
      for (const other of name.split('-')) expect(errorCatalog[other as keyof typeof errorCatalog].status).toBe(status);
    }
  }
});

test('every example fits its schema', () => {
  let seen = 0;
  const fits = (pointer: string, example: unknown) => {
    const validate = description.validator(`${pointer}/schema`);
    expect({ pointer, fits: validate(example), errors: validate.errors }).toEqual({ pointer, fits: true, errors: null });
    seen += 1;
  };
  for (const [pointer, object] of objectsIn(description.document)) {
    if (!('schema' in object)) continue;
    if ('example' in object) fits(pointer, object.example);
    for (const name of Object.keys((object.examples as object | undefined) ?? {})) {
      const examples = (description.document.components as unknown as { examples: Record<string, { value: unknown }> }).examples;
      fits(pointer, examples[name]?.value);
    }
  }
  expect(seen).toBeGreaterThan(40);
});

test('what requests are validated by accepts the examples of bodies', () => {
  for (const { body, bodyExample, id } of routes) {
    if (body === undefined || bodyExample === undefined) continue;
    expect({ id, fits: body.safeParse(bodyExample).success }).toEqual({ id, fits: true });
  }
});

describe('a body is accepted by the description when it is by the service', () => {
  const bodies: [string, { safeParse: (value: unknown) => { success: boolean } }, unknown][] = [
    ['ContactInput', newContactSchema, { name: 'Ada', status: null, isActive: null, entityTypes: null, email: null }],
    ['ContactInput', newContactSchema, { name: 'Ada', parentEntityId: 'D45F8E21-3AB2-4389-9E0D-9C12654B8E7A' }],
    ['ContactInput', newContactSchema, { name: 'Ada', id: 7, createdAt: {}, customFields: { deep: [null, { a: 1 }] } }],
    ['ContactPatch', contactPatchSchema, { address: null, metadata: { reportsTo: null }, customFields: null }],
    ['CompanyInput', newCompanySchema, { id: 'd45f8e21-3ab2-4389-9e0d-9c12654b8e7a', name: 'Acme', entityTypes: ['Company', 'Vendor'] }],
  ];
  test.each(bodies)('%s %#', (name, schema, body) => {
    expect(schema.safeParse(body).success).toBe(true);
    const validate = description.validator(`#/components/schemas/${name}`);
    expect({ fits: validate(body), errors: validate.errors }).toEqual({ fits: true, errors: null });
  });

  const refused: [string, { safeParse: (value: unknown) => { success: boolean } }, unknown][] = [
    ['ContactInput', newContactSchema, {}],
    ['ContactInput', newContactSchema, { name: '   ' }],
    ['ContactInput', newContactSchema, { name: 'x'.repeat(201) }],
    ['ContactInput', newContactSchema, { name: 'Ada', unknown: 1 }],
    ['ContactInput', newContactSchema, { name: 'Ada', parentEntityId: 'no id' }],
    ['ContactPatch', contactPatchSchema, { status: null }],
    ['ContactPatch', contactPatchSchema, { metadata: { preferredContactMethod: 'pigeon' } }],
    ['CompanyInput', newCompanySchema, { name: 'Acme', entityTypes: ['Contact'] }],
  ];
  test.each(refused)('%s, refused by both %#', (name, schema, body) => {
    expect(schema.safeParse(body).success).toBe(false);
    expect(description.validator(`#/components/schemas/${name}`)(body)).toBe(false);
  });
});

test('every webhook that is sent is as described', async () => {
  const receiver = await startReceiver();
  const told = await startTestService({ WEBHOOK_ALLOW_PRIVATE_NETWORKS: 'true' });
  const client = told.client();
  const endpoint = (await client.post('/webhooks', { url: receiver.url })).body.id as string;
  const company = (await client.post('/companies', { name: 'Acme', entityTypes: ['Company'] })).body.id as string;
  const { id } = (await client.post('/contacts', { name: 'Ada', parentEntityId: company })).body;
  await client.post(`/contacts/${id}/set-primary/${company}`);
  await client.put(`/contacts/${id}`, { status: 'inactive' });
  await client.delete(`/contacts/${id}`);
  await client.post(`/webhooks/${endpoint}/test`, {});
  const topics = ['contact.created', 'contact.primary_set', 'contact.updated', 'contact.status_changed', 'contact.deleted', 'webhook.test'];
  await until(() => receiver.received.length >= topics.length, 'a delivery of each topic');
  expect(new Set(receiver.received.map(({ body }) => body.event))).toEqual(new Set(topics));
  for (const { body, headers } of receiver.received) {
    const validate = description.validator(`#/webhooks/${body.event}/post/requestBody/content/application~1json/schema`);
    expect({ event: body.event, fits: validate(body), errors: validate.errors }).toEqual({ event: body.event, fits: true, errors: null });
    const described = webhooks()[body.event]?.post.parameters.map(({ name }) => name);
    expect({ event: body.event, described }).toEqual({ event: body.event, described: Object.keys(headers).filter((name) => name.startsWith('webhook-')) });
  }
  await told.stop();
  await receiver.close();
});

interface Sent {
  post: { tags: string[]; parameters: { name: string }[]; requestBody: { content: Record<string, { schema: object }> } };
}

const webhooks = () => (description.document as unknown as { webhooks: Record<string, Sent> }).webhooks;

test('generators of clients find no two things under one name', () => {
  const tagsOfRoutes = new Set<string>(routes.map(({ tag }) => tag));
  for (const [event, { post }] of Object.entries(webhooks())) {
    expect({ event, shared: post.tags.filter((tag) => tagsOfRoutes.has(tag)) }).toEqual({ event, shared: [] });
    expect({ event, body: post.requestBody.content['application/json']?.schema }).toEqual({ event, body: { $ref: expect.any(String) } });
  }
  // In Go `NewContact` is the function that makes a `Contact`.
  const names = Object.keys((description.document.components as unknown as { schemas: object }).schemas);
  expect(names.filter((name) => names.includes(name.replace(/^New/, '')) && name.startsWith('New'))).toEqual([]);
});

describe('an answer that is not as described is noticed', () => {
  const contact = '/api/v1/contacts/c12f8e21-4ab2-4589-ae0d-9c12654b8e7a';
  const json = { 'Content-Type': 'application/json', 'X-Request-Id': 'x' };
  const notFound = JSON.stringify({ error: 'CONTACT_NOT_FOUND', message: 'x', details: [] });
  test.each([
    ['GET', '/api/v1/nothing', 200, json, '{}', /no GET \/api\/v1\/nothing/],
    ['GET', contact, 202, json, '{}', /does not describe the status 202/],
    ['GET', contact, 200, { ...json, ETag: '"1.0"' }, '{"name":7}', /must have required property 'id'/],
    ['GET', contact, 404, { 'Content-Type': 'application/json' }, notFound, /header X-Request-Id is missing/],
    ['GET', contact, 404, { ...json, Location: '/' }, notFound, /header Location is not described/],
    ['GET', contact, 404, { ...json, 'Content-Type': 'text/html' }, '', /media type text\/html/],
    ['GET', contact, 404, json, notFound.replace('CONTACT', 'COMPANY'), /body\/error/],
    ['DELETE', contact, 204, json, '{}', /a body where none is described/],
  ])('%s %s → %i', (method, url, status, headers, text, fault) => {
    expect(description.faults(method, url, { status, headers: new Headers(headers as Record<string, string>), text }).join()).toMatch(fault);
  });

  test('and one that is, is not', () => {
    expect(description.faults('GET', contact, { status: 404, headers: new Headers(json), text: notFound })).toEqual([]);
  });
});
