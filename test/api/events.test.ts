// GET /events and GET /events/stream: every event of the organization, in order, and no other's.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { publishedTypes } from '../../src/domain/events/published.js';
import { newOrganization, startTestService, type Client, type TestService } from '../support/service.js';
import { openStream, take, type Message } from '../support/sse.js';
import { hs256, now } from '../support/tokens.js';
import { Client as ClientOf } from '../support/service.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

const make = async (client: Client, name: string, more: object = {}) => (await client.post('/contacts', { name, ...more })).body;

async function readAll(client: Client, query = 'limit=7') {
  const data = [];
  for (let after = '0'; ; ) {
    const { body } = await client.get(`/events?${query}&after=${after}`);
    data.push(...body.data);
    if (body.data.length === 0) return { data, position: body.nextPosition as string };
    after = body.nextPosition;
  }
}

/** The stream after `last`, by a connection of its own. */
async function followRaw({ baseUrl, token }: Client, agent: Agent, last: string): Promise<IncomingMessage> {
  const headers = { Authorization: `Bearer ${token}`, 'Last-Event-ID': last };
  const [response] = (await once(get(`${baseUrl}/events/stream`, { agent, headers }), 'response')) as [IncomingMessage];
  return response.on('error', () => undefined);
}

/** The messages of a stream until there are enough; it is then cut off. */
async function messagesUntil(response: IncomingMessage, enough: (messages: Message[]) => boolean): Promise<Message[]> {
  const messages: Message[] = [];
  let rest = '';
  for await (const part of response.setEncoding('utf8')) {
    const frames = (rest + String(part)).split('\n\n');
    rest = frames.pop() ?? '';
    for (const [, id = '', data = ''] of frames.map((frame) => /^id: (.*)\ndata: (.*)$/.exec(frame) ?? [])) if (data !== '') messages.push({ id, data: JSON.parse(data) });
    if (enough(messages)) break;
  }
  return messages;
}

const nameOf = ({ type }: { type: string }) => type.split('.').at(-1);

test('events come from the first on, in order, as CloudEvents, and the next page after them', async () => {
  const organization = newOrganization();
  const client = service.client(organization, { sub: 'author' });
  const empty = await client.get('/events');
  expect(empty.body).toEqual({ data: [], nextPosition: '0' });
  const company = (await client.post('/companies', { name: 'Acme' })).body;
  const ada = await make(client, 'Ada', { parentEntityId: company.id });
  await client.post(`/contacts/${ada.id}/set-primary/${company.id}`);
  await client.put(`/contacts/${ada.id}`, { name: 'Ada L', status: 'inactive' });
  await client.delete(`/contacts/${ada.id}`);
  const { body } = await client.get('/events?limit=1000');
  expect(body.data.map(nameOf)).toEqual(['CompanyCreated', 'ContactCreated', 'PrimarySet', 'ContactUpdated', 'ContactStatusChanged', 'ContactDeleted', 'PrimaryCleared']);
  expect(body.data[1]).toMatchObject({ specversion: '1.0', source: `/organizations/${organization}`, subject: ada.id, actor: 'author', revision: 0, data: { contactId: ada.id, contact: { name: 'Ada' } } });
  expect(body.data[6]).toMatchObject({ subject: company.id, causationid: body.data[5].id });
  expect(body.nextPosition).toBe(body.data[6].position);
  expect((await client.get(`/events?after=${body.nextPosition}`)).body).toEqual({ data: [], nextPosition: body.nextPosition });
  expect((await readAll(client, 'limit=2')).data).toEqual(body.data);
});

test('types filter, and the position moves past what they leave out', async () => {
  const client = service.client();
  const ada = await make(client, 'Ada');
  await client.put(`/contacts/${ada.id}`, { name: 'B' });
  await client.delete(`/contacts/${ada.id}`);
  const all = (await client.get('/events')).body;
  const some = (await client.get('/events?types=ContactDeleted,app.contacts.ContactCreated')).body;
  expect(some.data.map(nameOf)).toEqual(['ContactCreated', 'ContactDeleted']);
  expect((await client.get('/events?types=PrimarySet')).body).toEqual({ data: [], nextPosition: all.nextPosition });
  for (const [query, field] of [['types=Nothing', 'types'], ['after=x', 'after'], ['limit=0', 'limit'], ['limit=1001', 'limit'], ['what=1', 'what']]) {
    const reply = await client.get(`/events?${query}`);
    expect([reply.status, reply.body.details[0]?.field]).toEqual([400, field]);
  }
  expect(publishedTypes).not.toContain('ReportingLineFenced');
});

test('a position past the end of the log is refused, by page and by stream', async () => {
  const client = service.client();
  await make(client, 'Ada');
  const { nextPosition } = (await client.get('/events')).body;
  expect((await client.get(`/events?after=${nextPosition}`)).body).toEqual({ data: [], nextPosition });
  const past = `${nextPosition}000`;
  for (const path of ['/events', '/events/stream']) {
    const reply = await client.get(`${path}?after=${past}`);
    expect([path, reply.status, reply.body]).toMatchObject([path, 400, { details: [{ field: 'after', message: expect.stringContaining('past the end') }] }]);
  }
  const resumed = await client.get('/events/stream', { 'Last-Event-ID': past });
  expect([resumed.status, resumed.body.details[0].field]).toEqual([400, 'Last-Event-ID']);
});

test('another organization sees none of them, and the erased read as erased', async () => {
  const [client, other] = [service.client(), service.client()];
  const ada = await make(client, 'Ada', { email: 'ada@x.org', metadata: { title: 'Countess' } });
  await client.post(`/contacts/${ada.id}/erase`, { reason: 'DSR-1' });
  await make(other, 'Eve');
  const { data } = (await client.get('/events')).body;
  expect(data.map(nameOf)).toEqual(['ContactCreated', 'ContactErased']);
  expect(data[0].data.contact).toMatchObject({ name: '[erased]', email: '[erased]', metadata: { title: '[erased]' } });
  expect((await other.get('/events')).body.data.map((event: { data: { contact: { name: string } } }) => event.data.contact.name)).toEqual(['Eve']);
  expect((await service.client(undefined, { scope: 'contacts:read' }).get('/events')).status).toBe(403);
});

test('the stream tells what was and then what comes, and goes on after the last one seen', async () => {
  const [client, other] = [service.client(), service.client()];
  await make(client, 'First');
  const stream = await openStream(client, '', { 'Accept-Encoding': 'gzip' });
  expect([stream.status, stream.headers.get('Content-Type'), stream.headers.get('Content-Encoding')]).toEqual([200, 'text/event-stream; charset=utf-8', null]);
  await make(other, 'Not yours');
  const made = take(stream, 3);
  await make(client, 'Second');
  await make(client, 'Third');
  const messages = await made;
  const page = (await client.get('/events')).body;
  expect(messages.map(({ data }) => data)).toEqual(page.data);
  expect(messages.map(({ id }) => id)).toEqual(page.data.map(({ position }: { position: string }) => position));
  const resumed = await take(await openStream(client, '', { 'Last-Event-ID': messages[0]?.id ?? '' }), 2);
  expect(resumed.map(({ data }) => data)).toEqual(page.data.slice(1));
  const filtered = await take(await openStream(client, `?types=ContactCreated&after=${messages[1]?.id}`), 1);
  expect(filtered[0]?.data).toEqual(page.data[2]);
});

test('a reader that is cut off a thousand times and resumes has the whole sequence in the end, while others write', async () => {
  const client = service.client();
  const [cuts, total] = [1_000, 340];
  const writing = (async () => {
    for (let made = 0; made < total; made += 20) await Promise.all(Array.from({ length: 20 }, (_, n) => make(client, `c${made + n}`)));
  })();
  const agent = new Agent({ keepAlive: false });
  const seen: string[] = [];
  let last = '0';
  for (let cut = 0; cut < cuts || seen.length < total; cut += 1) {
    const response = await followRaw(client, agent, last);
    // Of three the first is cut off before anything came, the second before what came was taken, the third after one event.
    if (cut < cuts && cut % 3 === 0) {
      response.destroy();
      continue;
    }
    const came = await messagesUntil(response, (messages) => messages.length > 0);
    const taken = cut >= cuts ? came : came.slice(0, cut % 3 === 1 ? 0 : 1);
    seen.push(...taken.map(({ data }) => data.id));
    last = taken.at(-1)?.id ?? last;
  }
  await writing;
  expect(seen).toEqual((await readAll(client, 'limit=1000')).data.map(({ id }) => id));
}, 240_000);

test('a thousand clients at once are each told the whole sequence', async () => {
  const client = service.client();
  await make(client, 'before');
  const agent = new Agent({ keepAlive: false });
  const responses: IncomingMessage[] = [];
  while (responses.length < 1_000) responses.push(...(await Promise.all(Array.from({ length: 50 }, () => followRaw(client, agent, '0')))));
  const told = responses.map((response) => messagesUntil(response, (messages) => messages.length >= 21));
  for (let made = 0; made < 20; made += 5) await Promise.all(Array.from({ length: 5 }, (_, n) => make(client, `c${made + n}`)));
  const expected = (await readAll(client, 'limit=1000')).data.map(({ position }) => position);
  const wrong = (await Promise.all(told)).filter((messages) => JSON.stringify(messages.map(({ id }) => id)) !== JSON.stringify(expected));
  expect([expected.length, wrong]).toEqual([21, []]);
}, 240_000);

test('the stream ends when its token expires', async () => {
  const token = hs256({ organizationId: newOrganization(), sub: 'x', exp: now() + 2 });
  const stream = await openStream(new ClientOf(service.client().baseUrl, token));
  expect(stream.status).toBe(200);
  const messages = [];
  for await (const message of stream.messages) messages.push(message);
  expect(messages).toEqual([]);
  expect(Date.now() / 1000).toBeGreaterThanOrEqual(now() - 1);
});

test('a stop ends streams at once', async () => {
  const own = await startTestService();
  const streams = await Promise.all(Array.from({ length: 20 }, () => openStream(own.client())));
  const ended = Promise.all(streams.map(async ({ messages }) => (await messages.next()).done));
  await own.stop();
  expect(await ended).toEqual(streams.map(() => true));
});
