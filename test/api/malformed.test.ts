// What is not HTTP as it should be is told so in the error shape, and the service goes on.

import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { apiServer } from '../../src/api/server.js';
import { startTestService, type TestService } from '../support/service.js';
import { rawSocket } from './rawRequest.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

/** The status and JSON body of a raw answer. */
function parse(answer: string) {
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  expect(head).toMatch(/\r\nX-Request-Id: \S+/i);
  return { status: Number(head.split(' ')[1]), body: JSON.parse(body) };
}

const closing = 'Connection: close\r\n\r\n';

test.each([
  ['a path in raw UTF-8', Buffer.from(`GET /api/v1/contacts/department/größe HTTP/1.1\r\nHost: x\r\n${closing}`), 'url'],
  ['no such method', `FETCH /api/v1/contacts HTTP/1.1\r\nHost: x\r\n${closing}`, 'method'],
  ['headers too large', `GET /api/v1/contacts HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(40_000)}\r\n${closing}`, 'headers'],
  ['no HTTP at all', 'hello\r\n\r\n', 'method'],
  ['two lengths', `POST /api/v1/contacts HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n${closing}`, 'request'],
  ['a target that is no URL', `GET http://[::1/api/v1/contacts HTTP/1.1\r\nHost: x\r\n${closing}`, 'url'],
  ['a length and chunks', `POST /api/v1/contacts HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n${closing}`, 'request'],
  ['a header with a line feed', `GET / HTTP/1.1\r\nX-A: a\nX-B\r\n${closing}`, 'request'],
])('%s', async (_, text, field) => {
  const { status, body } = parse(await rawSocket(service.origin, text));
  expect(status).toBe(400);
  expect(body).toEqual({ error: 'VALIDATION_ERROR', message: expect.any(String), details: [{ field, message: expect.any(String) }] });
});

test('the answer to a HEAD has no body, also when it is not well-formed', async () => {
  const answer = await rawSocket(service.origin, `HEAD /api/v1/contacts HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n${closing}`);
  expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*\r\n\r\n$/);
});

test.each([
  ['no Host', `GET /api/v1/contacts HTTP/1.1\r\n${closing}`, 401],
  ['an expectation nobody knows', `GET /api/v1/contacts HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\n${closing}`, 401],
  ['a whole URL as target', `GET http://elsewhere/api/v1/contacts HTTP/1.1\r\nHost: x\r\n${closing}`, 401],
  ['an asterisk as target', `OPTIONS * HTTP/1.1\r\nHost: x\r\n${closing}`, 404],
  ['two slashes', `GET //api/v1/contacts HTTP/1.1\r\nHost: x\r\n${closing}`, 404],
  ['HTTP/1.0', 'GET /api/v1/contacts HTTP/1.0\r\n\r\n', 401],
])('%s is answered as any other request', async (_, text, status) => {
  const answer = parse(await rawSocket(service.origin, text));
  expect(answer.status).toBe(status);
  expect(answer.body).toMatchObject({ error: status === 401 ? 'UNAUTHORIZED' : 'NOT_FOUND', details: [] });
});

test('a body that breaks off stores nothing', async () => {
  const client = service.client();
  const head = `POST /api/v1/contacts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${client.token}\r\nContent-Type: application/json`;
  const socket = connect(Number(new URL(service.origin).port), '127.0.0.1');
  await new Promise<void>((resolve) => socket.write(`${head}\r\nContent-Length: 100\r\n\r\n{"name": "x"}`, () => resolve()));
  socket.destroy();
  expect((await client.get('/contacts')).body.total).toBe(0);
});

test('a client that leaves its answer unread is cut off', async () => {
  const server = apiServer((_request, response) => void response.end(Buffer.alloc(64_000_000)), 200);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const closed = new Promise((resolve) => server.once('connection', (socket) => socket.once('close', resolve)));
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined).pause();
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await closed;
  client.destroy();
  server.close();
});

/** A server whose answers are given by hand, what it began with, and a client's connection to it. */
async function held() {
  const begun: { path: string; answer: () => void }[] = [];
  const server = apiServer((request, response) => void begun.push({ path: String(request.url), answer: () => response.end(String(request.url)) }));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.setEncoding('latin1');
  return { begun, client, server };
}

const requests = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => `GET /${from + n} HTTP/1.1\r\n\r\n`).join('');

test('requests sent ahead are carried out one after the other, others having their turn between, and answered in order', async () => {
  const { begun, client, server } = await held();
  let answers = '';
  client.on('data', (part: string) => (answers += part));
  client.write(requests(1, 100));
  for (let count = 1; count <= 100; count += 1) {
    while (begun.length < count) await setImmediate();
    await setImmediate();
    expect(begun.map(({ path }) => path)).toEqual(Array.from({ length: count }, (_, n) => `/${n + 1}`));
    begun[count - 1]?.answer();
    expect(begun).toHaveLength(count);
  }
  while (!answers.endsWith('/100')) await setImmediate();
  expect(answers.match(/\r\n\r\n\/\d+/g)?.map((text) => text.trim())).toEqual(begun.map(({ path }) => path));
  client.write(requests(101, 101));
  while (begun.length < 101) await setImmediate();
  client.destroy();
  server.close();
});

test('a connection that sends very many requests ahead is cut off, and none of those carried out', async () => {
  const { begun, client, server } = await held();
  const closed = once(client, 'close');
  client.on('error', () => undefined).resume().write(requests(1, 1_000));
  await closed;
  expect(begun).toHaveLength(1);
  begun[0]?.answer();
  await setImmediate();
  expect(begun).toHaveLength(1);
  server.close();
});
