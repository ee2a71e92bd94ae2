// Bad input: each wrong field of each endpoint is named, all wrong ones at once, and nothing is written.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestService, type Client, type TestService } from '../support/service.js';
import { expectInvalid } from './errorShape.js';

let service: TestService;
let client: Client;
beforeAll(async () => {
  service = await startTestService();
  client = service.client();
});
afterAll(() => service.stop());

/** Texts and the most characters each may have. */
const texts: Record<string, number> = { displayName: 200, code: 100, phone: 50, taxId: 100, description: 2_000, notes: 10_000 };
const addressTexts = ['addressee', 'companyName', 'attention', 'line1', 'line2', 'city', 'stateProvince'];
const metadataTexts: Record<string, number> = { title: 200, department: 200, mobilePhone: 50, workPhone: 50 };

const tooLong = (length: number) => 'x'.repeat(length + 1);
const notTexts: unknown[] = [7, true, [], {}, ['x']];

type Case = [field: string, value: unknown, named?: string];

/** Wrong values of fields that contacts and companies share. */
const shared: Case[] = [
  ...(['', ' ', '\t\n', '\u00a0\u2003', '\0', '\u200b\u2060', tooLong(200), ...notTexts] as const).map((value): Case => ['name', value]),
  ...Object.entries(texts).flatMap(([field, length]) => [tooLong(length), ...notTexts].map((value): Case => [field, value])),
  ...['x', '@', 'a@', '@b.co', 'a@b', 'a b@c.co', 'a@b..co', '.a@b.co', 'a.@b.co', 'a@-b.co', 'a@b.co\n', 'a@b@c.co', 'a@b.1', `${tooLong(64)}@b.co`, '', tooLong(254), ...notTexts]
    .map((value): Case => ['email', value]),
  ...['x', 'ftp://x.org', 'javascript:alert(1)', 'http://', 'http://a b', '//x.org', '', tooLong(2048), ...notTexts].map((value): Case => ['website', value]),
  ...['x', '', 'd45f8e21-3ab2-4389-9e0d-9c12654b8g7a', 'd45f8e213ab243899e0d9c12654b8e7a', '{d45f8e21-3ab2-4389-9e0d-9c12654b8e7a}', ...notTexts].map((value): Case => ['parentEntityId', value]),
  ...['gone', '', 'Active', ...notTexts].map((value): Case => ['status', value]),
  ...['true', 1, 0, '', [], {}].map((value): Case => ['isActive', value]),
  ...['x', 7, true, [], [{}]].map((value): Case => ['customFields', value]),
  ...['x', 7, true, []].flatMap((value): Case[] => [['address', value], ['metadata', value]]),
  ...addressTexts.flatMap((field) => [tooLong(200), 7, {}].map((value): Case => ['address', { [field]: value }, `address.${field}`])),
  ...[['phoneNumber', tooLong(50)], ['postalCode', tooLong(50)], ['id', ''], ['id', 7], ['id', tooLong(100)]].map(([field, value]): Case => ['address', { [field as string]: value }, `address.${field}`]),
  ...['us', 'USA', 'XX', 'EU', '', ' US', 'U', 7].map((countryCode): Case => ['address', { countryCode }, 'address.countryCode']),
  ['address', { street: 'x' }, 'address.street'],
  ...Object.entries(metadataTexts).flatMap(([field, length]) => [tooLong(length), 7, []].map((value): Case => ['metadata', { [field]: value }, `metadata.${field}`])),
  ...['fax', '', 'Email', 7].map((preferredContactMethod): Case => ['metadata', { preferredContactMethod }, 'metadata.preferredContactMethod']),
  ...['x', '', 7].map((reportsTo): Case => ['metadata', { reportsTo }, 'metadata.reportsTo']),
  ['metadata', { colour: 'red' }, 'metadata.colour'],
  ['colour', 'red'],
  ['Name', 'x'],
  ['constructor', 'x'],
  ['customFields', { big: 'x'.repeat(102_400) }],
  ['customFields', { a: 1e21 }, 'customFields.a'],
  ['customFields', { list: [9_007_199_254_740_993] }, 'customFields.list.0'],
  ['customFields', { lone: '\ud800' }, 'customFields.lone'],
];

const ofContact: Case[] = [...['Contact', [], ['Company'], ['contact'], {}, 7].map((value): Case => ['entityTypes', value]), ['entityTypes', ['Contact', 7], 'entityTypes.1']];
const ofCompany: Case[] = [...['x', '', 7, {}].map((value): Case => ['id', value]), ['entityTypes', ['Company', 'Contact']], ['entityTypes', []]];

const endpoints: [method: string, path: string, cases: Case[]][] = [
  ['POST', '/contacts', [...shared, ...ofContact]],
  ['PUT', '/contacts', [...shared, ...ofContact]],
  ['PATCH', '/contacts', [...shared, ...ofContact]],
  ['POST', '/companies', [...shared, ...ofCompany]],
  ['PUT', '/companies', [...shared, ...ofCompany.filter(([field]) => field !== 'id')]],
];

describe.each(endpoints)('%s %s', (method, collection, cases) => {
  let path: string;
  let before: object;
  beforeAll(async () => {
    client = service.client();
    const { body } = await client.post(collection, { name: 'Ada', email: 'ada@x.org', address: { city: 'Paris' } });
    path = method === 'POST' ? collection : `${collection}/${body.id}`;
    before = (await client.get(collection)).body;
  });
  const base = method === 'POST' ? { name: 'Eve' } : {};

  test(`refuses each of ${cases.length} wrong values, names its field, and writes nothing`, async () => {
    for (const [field, value, named = field] of cases) expectInvalid(await client.send(method, path, { ...base, [field]: value }), named);
    expect((await client.get(collection)).body).toEqual(before);
  });

  test('names all wrong fields, not the first only', async () => {
    const reply = await client.send(method, path, {
      name: ' ',
      email: 'x',
      phone: 7,
      colour: 'red',
      status: 'gone',
      isActive: 'yes',
      address: { countryCode: 'XX', street: 'x' },
      metadata: { preferredContactMethod: 'fax', reportsTo: 'x', title: 7 },
      customFields: 'x',
    });
    const inner = ['address.countryCode', 'address.street', 'metadata.preferredContactMethod', 'metadata.reportsTo', 'metadata.title'];
    expectInvalid(reply, 'name', 'email', 'phone', 'colour', 'status', 'isActive', 'customFields', ...inner);
    expect((await client.get(collection)).body).toEqual(before);
  });

  test('names a contradiction of status and isActive, on creation beside fields that are wrong', async () => {
    const contradiction = { status: 'archived', isActive: true };
    if (method !== 'POST') await client.put(path, { isActive: false });
    else expectInvalid(await client.send(method, path, { ...contradiction, email: 'x' }), 'name', 'email', 'isActive');
    expectInvalid(await client.send(method, path, { ...base, ...contradiction }), 'isActive');
  });

  test('names what only the stored state can tell beside fields that are wrong', async () => {
    const unknown = '00000000-0000-4000-8000-000000000000';
    if (method !== 'POST') await client.put(path, { isActive: false });
    const sent = { email: 'x', status: 'archived', isActive: true, metadata: { title: 7, reportsTo: unknown } };
    const ofManager = collection === '/contacts' ? ['metadata.reportsTo'] : [];
    expectInvalid(await client.send(method, path, { ...base, ...sent }), 'email', 'metadata.title', 'isActive', ...ofManager);
    const also = { 'a.b': 1, entityTypes: ['Contact', 'Company', 7] };
    expectInvalid(await client.send(method, path, { ...base, ...sent, ...also }), 'a.b', 'entityTypes.2', 'email', 'metadata.title', 'isActive', ...ofManager);
  });

  test('says what a field of another type must be, and only of a missing one that it is required', async () => {
    const sent = { name: 7, isActive: 'yes', parentEntityId: 7, address: 'x', metadata: { title: {} }, entityTypes: 'x' };
    const { body } = await client.send(method, path, sent);
    const messages = Object.fromEntries(body.details.map(({ field, message }: { field: string; message: string }) => [field, message]));
    expect(messages).toEqual({
      name: 'Must be text',
      isActive: 'Must be true or false',
      parentEntityId: 'Must be a UUID',
      address: 'Must be an object',
      'metadata.title': 'Must be text',
      entityTypes: 'Must be a list',
    });
    for (const other of ['7', '[]', '"x"', 'null']) {
      expect((await client.send(method, path, other)).body.details).toEqual([{ field: 'body', message: 'Must be a JSON object' }]);
    }
  });

  test('names a thousand wrong fields, and not all of very many', async () => {
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 1]));
    expect((await client.send(method, path, many(950))).body.details.length).toBeGreaterThanOrEqual(950);
    expect((await client.send(method, path, many(15_000))).body.details).toHaveLength(1_000);
  });

  test('has no parameters', async () => {
    expectInvalid(await client.send(method, `${path}?dryRun=true&x=1`, { name: 'x' }), 'dryRun', 'x');
  });

  test.each(['{"__proto__": {"name": "x"}}', '{"name": "x", "customFields": {"__proto__": {"admin": true}}}', '{"name": "x", "customFields": {"a": [{"constructor": {"prototype": {"admin": true}}}]}}'])(
    'refuses keys that reach for prototypes: %s',
    async (body) => {
      expectInvalid(await client.send(method, path, body), 'body');
      expect(({} as Record<string, unknown>).admin).toBeUndefined();
    },
  );
});

test('a create without a name says that it is required', async () => {
  for (const collection of ['/contacts', '/companies']) {
    for (const body of [{}, { name: null }, { email: 'a@b.co' }]) {
      const reply = await client.post(collection, body);
      expectInvalid(reply, 'name');
      expect(reply.body.details[0].message).toBe('Is required');
    }
  }
});

test.each(['$set', 'a.b', '', '$where', 'toString', 'hasOwnProperty', 'constructor', 'length', '💥', 'x'.repeat(500), ' '])(
  'the custom field %j is data: it comes back as sent, and can be changed and removed',
  async (key) => {
    const other = service.client();
    const customFields = { [key]: { [key]: ['$gt', { [key]: 1.5 }], kept: '' } };
    const { body } = await other.post('/contacts', { name: 'x', customFields });
    expect(body.customFields).toEqual(customFields);
    expect((await other.get(`/contacts/${body.id}`)).body.customFields).toEqual(customFields);
    const changed = await other.put(`/contacts/${body.id}`, { customFields: { [key]: { [key]: null, added: [null] } } });
    expect(changed.body.customFields).toEqual({ [key]: { kept: '', added: [null] } });
    expect((await other.put(`/contacts/${body.id}`, { customFields: { [key]: null } })).body.customFields).toEqual({});
  },
);

test('customFields are limited as merged', async () => {
  const other = service.client();
  const { id } = (await other.post('/contacts', { name: 'x', customFields: { a: 'x'.repeat(60_000) } })).body;
  expectInvalid(await other.put(`/contacts/${id}`, { customFields: { b: 'x'.repeat(60_000) } }), 'customFields');
  expect((await other.put(`/contacts/${id}`, { customFields: { a: null, b: 'x'.repeat(60_000) } })).status).toBe(200);
});

test.each(['/contacts', '/companies'])('the query of GET %s: all wrong parameters, nested and repeated ones too', async (path) => {
  const query = 'page=0&limit=101&orderBy=x&orderDirection=x&status=x&isActive=x&parentEntityId=x&filter[name]=x&search=a&search=b';
  expectInvalid(await client.get(`${path}?${query}`), 'page', 'limit', 'orderBy', 'orderDirection', 'status', 'isActive', 'parentEntityId', 'filter[name]', 'search');
});

test.each(['/contacts/hierarchy', '/contacts/00000000-0000-4000-8000-000000000000', '/companies/00000000-0000-4000-8000-000000000000'])(
  'GET %s takes no parameter that is not known',
  async (path) => {
    expectInvalid(await client.get(`${path}?expand=all`), 'expand');
  },
);

describe('an answer that names wrong fields stays small', () => {
  /** The answer to a body as it is sent, which no list of fields may make long. */
  const refused = async (path: string, body: string) => {
    const response = await fetch(`${client.baseUrl}${path}`, { method: 'POST', headers: { Authorization: `Bearer ${client.token}`, 'Content-Type': 'application/json' }, body });
    const text = await response.text();
    expect(text.length).toBeLessThan(400_000);
    const { error, message, details } = JSON.parse(text) as { error: string; message: string; details: { field: string }[] };
    expect([response.status, error]).toEqual([400, 'VALIDATION_ERROR']);
    return { message, fields: details.map(({ field }) => field) };
  };
  const many = (count: number, item: (n: number) => string) => Array.from({ length: count }, (_, n) => item(n)).join();

  test('below a long name', async () => {
    const { message, fields } = await refused('/contacts', `{"customFields":{"${'k'.repeat(60_000)}":[${many(20_000, () => '1e400')}]}}`);
    expect(fields).toHaveLength(1_000);
    for (const field of fields) expect(field).toMatch(/^customFields\.k+…$/);
    expect(message).toContain('the first 1000 of ');
  });

  test('of many that there are not', async () => {
    const { message, fields } = await refused('/contacts', `{"name":"x",${many(20_000, (n) => `"f${n}":1`)}}`);
    expect(fields.slice(0, 2)).toEqual(['f0', 'f1']);
    expect(fields).toHaveLength(1_000);
    expect(message).toContain('the first 1000 of 20000');
  });

  test.each([
    ['/contacts', 'entityTypes'],
    ['/companies', 'entityTypes'],
    ['/webhooks', 'events'],
  ])('of lists longer than any that is right: %s', async (path, list) => {
    for (const item of ['1', '"Contact"']) {
      expect((await refused(path, `{"name":"x","url":"https://example.com","${list}":[${many(20_000, () => item)}]}`)).fields).toEqual([list]);
    }
  });
});
