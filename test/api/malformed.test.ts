// What is not HTTP as it should be is told so in the error shape, and the service goes on.

import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
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
