// No request whatever gives a 5xx, and every error has the one shape: thousands of generated ones.

import { Agent, request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { startTestService, type Client, type TestService } from '../support/service.js';

const RUNS = 2_000;

let service: TestService;
let client: Client;
let ids: string[];
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

beforeAll(async () => {
  service = await startTestService();
  client = service.client();
  const company = (await client.post('/companies', { name: 'Acme' })).body.id;
  const boss = (await client.post('/contacts', { name: 'Boss', parentEntityId: company })).body.id;
  const report = (await client.post('/contacts', { name: 'Report', metadata: { reportsTo: boss } })).body.id;
  ids = [company, boss, report];
});
afterAll(async () => {
  agent.destroy();
  await service.stop();
});

interface Sent {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | Buffer | undefined;
}

const nastyTexts = ['', ' ', '\0', '%', '%zz', '%00', '..', "'", '"', '\\', '*', '__proto__', 'constructor', '$gt', 'null', '💥', '\ud800', '\u202e', 'NaN', '-1', '1e999', '<x>', 'ß', 'ﬀ', 'İ', 'x'.repeat(300)];
const nastyText = fc.oneof(fc.constantFrom(...nastyTexts), fc.string({ unit: 'binary', maxLength: 20 }), fc.string({ maxLength: 20 }));
const fieldNames = ['id', 'name', 'email', 'phone', 'website', 'address', 'metadata', 'customFields', 'entityTypes', 'status', 'isActive', 'parentEntityId', 'city', 'countryCode', 'reportsTo', 'department', 'title', 'preferredContactMethod', 'createdAt', 'notes'];

/** JSON of nasty shapes, often with the fields that the API knows. */
const nastyJson = fc.letrec<{ value: unknown; object: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(nastyText, fc.constantFrom(null, true, false, 0, -0, 1.5, 1e308, 2 ** 53, 'active', 'archived', 'Contact', 'Company', 'email', 'US', 'a@b.co')),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc.dictionary(fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...fieldNames) }, { weight: 1, arbitrary: nastyText }), tie('value'), { maxKeys: 8 }),
})).object;

/** A body that passes the schema, so that what comes behind it is reached, too. */
const plausible = fc.record(
  {
    name: fc.string({ minLength: 1, maxLength: 50, unit: 'binary' }),
    status: fc.constantFrom('active', 'inactive', 'archived'),
    parentEntityId: fc.nat(2).map((index) => `#${index}`),
    metadata: fc.record({ reportsTo: fc.nat(2).map((index) => `#${index}`), department: nastyText }, { requiredKeys: [] }),
    customFields: fc.dictionary(nastyText, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 }),
    phone: fc.string({ maxLength: 20 }),
  },
  { requiredKeys: ['name'] },
);

/** As JSON, ids in the place of their numbers. */
function concrete(value: object): string {
  return JSON.stringify(value).replaceAll(/"#(\d)"/g, (_, index) => `"${ids[Number(index)]}"`);
}

const body = fc.oneof(
  fc.constant(undefined),
  plausible.map(concrete),
  nastyJson.map((value) => JSON.stringify(value)),
  fc.json({ maxDepth: 5 }),
  fc.constantFrom('{', '[]', 'null', '{"__proto__":{}}', '\ufeff{}', `${'['.repeat(3_000)}${']'.repeat(3_000)}`),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
);

const id = fc.oneof({ weight: 3, arbitrary: fc.nat(2).map((index) => ids[index] as string) }, { weight: 1, arbitrary: nastyText });
const segment = fc.oneof(id, fc.constantFrom('contacts', 'companies', 'hierarchy', 'company', 'department', 'contact-method', 'set-primary', 'email', 'history', 'webhooks', 'events', 'audit', 'erase', 'restore'));

const known = fc.oneof(
  fc.constantFrom('/contacts', '/companies', '/contacts/hierarchy'),
  fc.tuple(fc.constantFrom('contacts', 'companies', 'contacts/company', 'contacts/department', 'contacts/contact-method'), id).map(([kind, one]) => `/${kind}/${escape(one)}`),
  fc.tuple(id, id).map(([one, other]) => `/contacts/${escape(one)}/set-primary/${escape(other)}`),
  fc.array(segment, { maxLength: 4 }).map((parts) => parts.map((part) => `/${escape(part)}`).join('')),
);

/** Characters that Node would not send become percent-encoded; the rest goes out as it is. */
function escape(text: string): string {
  return text.toWellFormed().replace(/[^!-~]+/g, encodeURIComponent).replace(/[?#/]/g, encodeURIComponent);
}

const parameter = fc.tuple(
  fc.oneof(fc.constantFrom('page', 'limit', 'cursor', 'search', 'status', 'orderBy', 'orderDirection', 'isActive', 'parentEntityId', 'search[]', 'asOf', '__proto__', 'after', 'since'), nastyText),
  fc.oneof(nastyText, fc.constantFrom('1', '0', '100', 'name', 'asc', 'active', 'true', 'WzEsIm5hbWUiLCJhc2MiLCJhIiwieCIsMV0', 'a OR b', '"', 'NEAR(a b)', 'a*', '5551')),
);
const query = fc.array(parameter, { maxLength: 4 }).map((pairs) => (pairs.length === 0 ? '' : `?${pairs.map(([name, value]) => `${escape(name)}=${escape(value)}`).join('&')}`));

const headerValue = nastyText.map((text) => Buffer.from(text.toWellFormed()).toString('latin1').replace(/[^\t\x20-\x7e\x80-\xff]/g, '').slice(0, 300));
const headers = fc.dictionary(
  fc.constantFrom('Content-Type', 'If-Match', 'If-None-Match', 'Idempotency-Key', 'X-Request-Id', 'Accept-Encoding', 'Content-Encoding', 'Accept', 'Origin', 'X-Forwarded-For', 'Range', 'Cookie', 'Last-Event-ID'),
  fc.oneof(headerValue, fc.constantFrom('*', '"1.0"', 'gzip', 'application/json', 'application/json;charset=x', 'identity;q=0', 'key-1', 'key-2', 'bytes=0-1')),
  { maxKeys: 4 },
);

/** Requests that are right but for one thing at most, so that what comes behind the checks is reached, too. */
const likelyRequest: fc.Arbitrary<Sent> = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH'),
  path: fc.oneof(fc.constantFrom('/contacts', '/companies'), fc.tuple(fc.constantFrom('/contacts', '/companies'), fc.nat(2)).map(([kind, index]) => `${kind}/${ids[index]}`), known).map((path) => `/api/v1${path}`),
  headers: fc.oneof(fc.constantFrom<Record<string, string>[]>({}, { 'If-None-Match': '*' }, { 'If-Match': '*' }, { 'Idempotency-Key': 'key-3' }, { 'Content-Type': 'text/plain' }, { 'Content-Encoding': 'gzip' })),
  body: plausible.map(concrete),
});

const anyRequest: fc.Arbitrary<Sent> = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'SEARCH'),
  path: fc.tuple(fc.oneof({ weight: 9, arbitrary: fc.constant('/api/v1') }, { weight: 1, arbitrary: fc.constantFrom('', '/api', '//', '/health', '/api/v1/') }), known, query).map((parts) => parts.join('')),
  headers,
  body,
});

async function send({ method, path, headers: sent, body: content }: Sent) {
  // Deleting what the others need would leave little to find.
  const spared = method === 'DELETE' && ids.some((one) => path.toLowerCase().includes(one));
  const all = { Authorization: `Bearer ${client.token}`, 'Content-Type': 'application/json', ...sent };
  const { hostname, port } = new URL(service.origin);
  const outgoing = request({ hostname, port, agent, method: spared ? 'GET' : method, path: path || '/', headers: all });
  // Node sends a body after HEAD without saying so: the server would take it for the next request.
  outgoing.end(method === 'HEAD' ? undefined : content);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return { status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(parts).toString() };
}

test(`${RUNS} requests of every kind give no 5xx, and errors of one shape`, async () => {
  const statuses = new Map<number, number>();
  const property = fc.asyncProperty(fc.oneof({ weight: 2, arbitrary: anyRequest }, { weight: 1, arbitrary: likelyRequest }), async (sent) => {
    const { status, headers: answered, text } = await send(sent);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    expect(status).toBeLessThan(500);
    expect(answered['x-request-id']).toMatch(/\S/);
    if (status < 400 || sent.method === 'HEAD') return;
    expect(answered['content-type']).toBe('application/json; charset=utf-8');
    const error = JSON.parse(text) as { details: { field: string; message: string }[] };
    expect(error).toEqual({ error: expect.stringMatching(/^[A-Z_]+$/), message: expect.any(String), details: expect.any(Array) });
    for (const detail of error.details) expect(detail).toEqual({ field: expect.any(String), message: expect.stringMatching(/\S/) });
    expect(error.details.length > 0).toBe(status === 400 && text.includes('VALIDATION_ERROR'));
  });
  await fc.assert(property, { numRuns: RUNS });
  // The generator reaches what it is to reach, and the service still works.
  for (const status of [200, 201, 400, 404, 405, 415]) expect([...statuses.keys()]).toContain(status);
  expect((await client.get('/contacts')).status).toBe(200);
  expect((await fetch(`${service.origin}/health/ready`)).status).toBe(200);
}, 120_000);
