// HTTP as people expect it: cross-origin calls, security headers, compression, request ids, and
// bodies that are not what they should be.

import { gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestService, type Client, type TestService } from '../support/service.js';
import { expectError, expectInvalid } from './errorShape.js';
import { rawRequest } from './rawRequest.js';

let service: TestService;
let client: Client;
beforeAll(async () => {
  service = await startTestService();
  client = service.client();
});
afterAll(() => service.stop());

const authorization = () => ({ Authorization: `Bearer ${client.token}` });

describe('cross-origin calls', () => {
  const preflight = (origin: string, from: string) =>
    rawRequest(`${origin}/api/v1/contacts`, 'OPTIONS', {
      Origin: from,
      'Access-Control-Request-Method': 'PATCH',
      'Access-Control-Request-Headers': 'authorization,content-type,if-match',
    });

  test('are not allowed unless origins are set', async () => {
    const reply = await client.get('/contacts', { Origin: 'https://app.example' });
    expect([...reply.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    const asked = await preflight(service.origin, 'https://app.example');
    expect(asked.status).toBe(401);
    expect(asked.headers['access-control-allow-origin']).toBeUndefined();
  });

  test('are allowed from the origins that are set, errors too, and from no others', async () => {
    const open = await startTestService({ CORS_ORIGINS: 'https://app.example, http://localhost:8080' });
    try {
      for (const origin of ['https://app.example', 'http://localhost:8080']) {
        const asked = await preflight(open.origin, origin);
        expect(asked.status).toBe(204);
        expect(asked.headers).toMatchObject({
          'access-control-allow-origin': origin,
          'access-control-allow-methods': expect.stringContaining('PATCH'),
          'access-control-allow-headers': expect.stringContaining('if-match'),
        });
        const reply = await open.client().get('/contacts', { Origin: origin });
        expect(reply.headers.get('Access-Control-Allow-Origin')).toBe(origin);
        for (const name of ['ETag', 'Link', 'X-Request-Id', 'X-RateLimit-Remaining']) expect(reply.headers.get('Access-Control-Expose-Headers')).toContain(name);
        expect(reply.headers.get('Vary')).toContain('Origin');
        const refused = await rawRequest(`${open.origin}/api/v1/contacts`, 'GET', { Origin: origin });
        expect(refused).toMatchObject({ status: 401, headers: { 'access-control-allow-origin': origin } });
      }
      for (const origin of ['https://evil.example', 'https://app.example.evil.example', 'http://app.example', 'null']) {
        expect((await preflight(open.origin, origin)).headers['access-control-allow-origin']).toBeUndefined();
        expect((await open.client().get('/contacts', { Origin: origin })).headers.get('Access-Control-Allow-Origin')).toBeNull();
      }
    } finally {
      await open.stop();
    }
  });
});

test('security headers stand on every answer', async () => {
  const replies = [
    await client.get('/contacts'),
    await client.get('/nowhere'),
    await fetch(`${service.origin}/health/live`),
    await fetch(`${service.origin}/api/v1/contacts`),
    await fetch(`${service.origin}/nowhere`),
  ];
  for (const { headers } of replies) {
    expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
    expect(headers.get('X-Frame-Options')).toBe('DENY');
    expect(headers.get('Content-Security-Policy')).toBe("default-src 'none';frame-ancestors 'none'");
    expect(headers.get('Strict-Transport-Security')).toMatch(/max-age=\d+/);
    expect(headers.get('Referrer-Policy')).toBe('no-referrer');
    expect(headers.get('X-Powered-By')).toBeNull();
  }
});

describe('compression', () => {
  let path: string;
  let plain: string;
  beforeAll(async () => {
    path = `${client.baseUrl}/contacts/${(await client.post('/contacts', { name: 'x', notes: 'é'.repeat(5_000) })).body.id}`;
    plain = (await rawRequest(path, 'GET', authorization())).text;
  });

  test.each([
    ['gzip', gunzipSync],
    ['deflate', inflateSync],
    ['gzip, deflate, br', gunzipSync],
  ])('Accept-Encoding: %s', async (accepted, unpack) => {
    const reply = await rawRequest(path, 'GET', { ...authorization(), 'Accept-Encoding': accepted });
    expect(reply.headers['content-encoding']).toBe(accepted.split(',')[0]);
    expect(reply.headers.vary).toContain('Accept-Encoding');
    expect(reply.bytes.length).toBeLessThan(plain.length / 2);
    expect(unpack(reply.bytes).toString()).toBe(plain);
    const condition = { ...authorization(), 'Accept-Encoding': accepted, 'If-None-Match': String(reply.headers.etag) };
    expect((await rawRequest(path, 'GET', condition)).status).toBe(304);
    const write = { ...authorization(), 'Content-Type': 'application/json', 'If-Match': String(reply.headers.etag) };
    expect((await rawRequest(path, 'PUT', write, '{}')).status).toBe(200);
  });

  test('nothing small, and nothing for who did not ask', async () => {
    expect((await rawRequest(path, 'GET', { ...authorization(), 'Accept-Encoding': 'identity' })).headers['content-encoding']).toBeUndefined();
    const small = await rawRequest(`${client.baseUrl}/companies`, 'GET', { ...authorization(), 'Accept-Encoding': 'gzip' });
    expect(small.headers['content-encoding']).toBeUndefined();
    expect(JSON.parse(small.text).data).toEqual([]);
  });

  test.each(['identity;q=0', '*;q=0', 'br, *;q=0', 'zstd;q=1, identity;q=0'])('who takes nothing that there is, gets it as it is: %s', async (accepted) => {
    const headers = { ...authorization(), 'Accept-Encoding': accepted };
    for (const url of [path, `${service.origin}/openapi.json`]) {
      const reply = await rawRequest(url, 'GET', headers);
      expect([reply.status, reply.headers['content-encoding']]).toEqual([200, undefined]);
      expect(reply.text).toBe((await rawRequest(url, 'GET', authorization())).text);
    }
  });

  test.each([
    ['gzip', 'gzip', gunzipSync],
    ['deflate', 'deflate', inflateSync],
    ['identity', undefined, (bytes: Buffer) => bytes],
    [undefined, undefined, (bytes: Buffer) => bytes],
  ])('what is the same for all is, too: Accept-Encoding: %s', async (accepted, encoding, unpack) => {
    for (const url of ['/openapi.json', '/asyncapi.json', '/docs/reference.css', '/docs']) {
      const reply = await rawRequest(`${service.origin}${url}`, 'GET', accepted === undefined ? {} : { 'Accept-Encoding': accepted });
      expect([reply.status, reply.headers['content-encoding']]).toEqual([200, url === '/docs' ? undefined : encoding]);
      if (url !== '/docs') expect(unpack(reply.bytes).toString()).toBe((await rawRequest(`${service.origin}${url}`, 'GET')).text);
    }
  });

  test('a streamed answer is compressed as it goes', async () => {
    const busy = service.client();
    await Promise.all(Array.from({ length: 60 }, () => busy.post('/contacts', { name: 'y', metadata: { department: 'Many' } })));
    const reply = await rawRequest(`${busy.baseUrl}/contacts/department/many`, 'GET', { Authorization: `Bearer ${busy.token}`, 'Accept-Encoding': 'gzip' });
    expect(reply.headers['content-encoding']).toBe('gzip');
    expect(JSON.parse(gunzipSync(reply.bytes).toString()).data).toHaveLength(60);
  });
});

describe('request ids', () => {
  test('one that was sent comes back, on errors and outside the base path too', async () => {
    for (const id of ['abc', '4bf92f35-77b3-4da6-a3ce-929d0e0e4736', 'a.b_c:d-1', 'x'.repeat(128)]) {
      const headers = { 'X-Request-Id': id };
      for (const reply of [await client.get('/contacts', headers), await client.get('/contacts/x', headers), await client.post('/contacts', {}, headers)]) {
        expect(reply.headers.get('X-Request-Id')).toBe(id);
      }
      for (const path of ['/health/live', '/nowhere', '/api/v1/contacts']) {
        expect((await fetch(service.origin + path, { headers })).headers.get('X-Request-Id')).toBe(id);
      }
    }
  });

  test('one that is not fit is replaced by a new one', async () => {
    const made = new Set<string>();
    for (const id of ['a b', '{"a":1}', 'é', 'x'.repeat(129), '<script>', '']) {
      const { headers } = await rawRequest(`${client.baseUrl}/contacts`, 'GET', { ...authorization(), 'X-Request-Id': id });
      expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
      made.add(String(headers['x-request-id']));
    }
    expect(made.size).toBe(6);
  });
});

describe.each([
  ['POST', '/contacts'],
  ['PUT', '/contacts/{id}'],
  ['PATCH', '/contacts/{id}'],
  ['POST', '/companies'],
])('the body of %s %s', (method, template) => {
  let path: string;
  beforeAll(async () => {
    path = template.replace('{id}', (await client.post('/contacts', { name: 'x' })).body.id);
  });
  const send = (body: string | Buffer, headers: Record<string, string> = {}) => client.send(method, path, body, headers);

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/xml', 'nonsense'])('as %s: 415', async (type) => {
    expectError(await send('{"name": "y"}', { 'Content-Type': type }), 415, 'UNSUPPORTED_MEDIA_TYPE', []);
  });

  test('without a content type, or compressed: 415', async () => {
    const bare = await rawRequest(client.baseUrl + path, method, authorization(), '{"name": "y"}');
    expect(bare.status).toBe(415);
    expect(JSON.parse(bare.text)).toMatchObject({ error: 'UNSUPPORTED_MEDIA_TYPE' });
    expectError(await send(gzipSync('{"name": "y"}'), { 'Content-Encoding': 'gzip' }), 415, 'UNSUPPORTED_MEDIA_TYPE', []);
    expect((await send('{"name": "y"}', { 'Content-Encoding': 'identity' })).status).toBeLessThan(202);
  });

  test('of more than 256 kB: 413, whether it says its length or not', async () => {
    const tooLarge = JSON.stringify({ notes: 'x'.repeat(262_144) });
    expectError(await send(tooLarge), 413, 'PAYLOAD_TOO_LARGE', []);
    const headers = { ...authorization(), 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' };
    const chunked = await rawRequest(client.baseUrl + path, method, headers, tooLarge);
    expect(chunked.status).toBe(413);
    expect(JSON.parse(chunked.text)).toMatchObject({ error: 'PAYLOAD_TOO_LARGE', details: [] });
  });

  test('sent in chunks, its length not said, is fine', async () => {
    const headers = { ...authorization(), 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' };
    const chunked = await rawRequest(client.baseUrl + path, method, headers, '{"name": "y"}');
    expect(chunked.status).toBe(method === 'POST' ? 201 : 200);
  });

  test.each(['', ' ', '{', '{"name": "y",}', "{'name': 'y'}", 'name=y', '[', 'undefined', '{"name": "y"} {}', Buffer.from([0x7b, 0xff, 0x7d]), Buffer.from('{"name": "y"}', 'utf16le')])(
    'that is no JSON: %j',
    async (body) => {
      expectInvalid(await send(body), 'body');
    },
  );

  test.each(['null', '[]', '7', '"x"', 'true', '[{"name": "y"}]'])('that is no object: %s', async (body) => {
    expectInvalid(await send(body), 'body');
  });

  test('up to 32 levels deep', async () => {
    const nested = (levels: number) => `{"name": "y", "customFields": ${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}}`;
    expect((await send(nested(31))).status).toBeLessThan(300);
    expectInvalid(await send(nested(32)), 'body');
    expectInvalid(await send(nested(20_000)), 'body');
    expectInvalid(await send(`{"name": "y", "customFields": {"a": ${'['.repeat(50_000)}${']'.repeat(50_000)}}}`), 'body');
  });

  test('with UTF-8 named as its charset is fine', async () => {
    expect((await send('{"name": "ü"}', { 'Content-Type': 'application/json; charset=utf-8' })).status).toBeLessThan(300);
  });
});
