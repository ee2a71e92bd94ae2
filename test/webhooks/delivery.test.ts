// Delivering to receivers good and bad, time under control: retries, order, disabling, isolation.

import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import Sqlite from 'libsql';
import { Webhook } from 'standardwebhooks';
import { contactStream } from '../../src/domain/streams.js';
import { UnavailableError } from '../../src/ports/errors.js';
import type { IndexedEvents } from '../../src/ports/eventIndex.js';
import { Bodies } from '../../src/webhooks/bodies.js';
import { ContactsAsOf } from '../../src/webhooks/contactsAsOf.js';
import { ok, startReceiver, status, until, type Answer, type Received, type Receiver } from '../support/receiver.js';
import { created, deleted, openWebhooks, renamed, type OpenedWebhooks } from '../support/webhooks.js';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function receiver(answer: Answer = ok): Promise<Receiver> {
  const started = await startReceiver(answer);
  opened.push(started);
  return started;
}

async function start(options: Parameters<typeof openWebhooks>[0] = {}): Promise<OpenedWebhooks> {
  const webhooks = await openWebhooks(options);
  opened.push({ close: () => webhooks.stop() });
  webhooks.start();
  return webhooks;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const names = ({ received }: Receiver) => received.map(({ body }) => body.data.name);

describe('a delivery', () => {
  test('is tried at once, after 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h, then it has failed', async () => {
    const sink = await receiver(status(503));
    const { endpoint, happens, deliveries, clock, settled } = await start();
    const ref = await endpoint(sink);
    await happens('ada', [created('ada')]);
    const begin = clock.now().getTime();
    await clock.advance(76 * HOUR, settled);
    const [delivery] = await deliveries(ref);
    expect(delivery?.status).toBe('failed');
    const gaps = delivery?.attempts.map(({ at }, index, all) => at.getTime() - (all[index - 1]?.at.getTime() ?? begin));
    expect(gaps).toEqual([0, 5_000, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR]);
    expect(new Set(sink.received.map(({ id, text }) => id + text)).size).toBe(1);
    const signatures = sink.received.map(({ headers }) => headers['webhook-signature']);
    expect(new Set(signatures).size).toBe(10);
  });

  test('is tried later by up to a tenth', async () => {
    const sink = await receiver(status(500));
    const { endpoint, happens, deliveries, settled } = await start({ random: () => 0.5 });
    const ref = await endpoint(sink);
    await happens('ada', [created('ada')]);
    await settled();
    const [delivery] = await deliveries(ref);
    expect((delivery?.nextAttemptAt?.getTime() ?? 0) - (delivery?.attempts[0]?.at.getTime() ?? 0)).toBe(5_250);
  });

  test('waits for what Retry-After asks, and so do the others to that endpoint', async () => {
    const sink = await receiver(status(429, { 'Retry-After': '3600' }));
    const { endpoint, happens, deliveries, clock, settled } = await start();
    const ref = await endpoint(sink);
    await happens('ada', [created('ada')]);
    await settled();
    await happens('bob', [created('bob', 'Bob')]);
    sink.answer = ok;
    await clock.advance(59 * MINUTE, settled);
    expect(names(sink)).toEqual(['Ada']);
    await clock.advance(2 * MINUTE, settled);
    expect(names(sink).sort()).toEqual(['Ada', 'Ada', 'Bob']);
    expect((await deliveries(ref)).map(({ status: one }) => one)).toEqual(['delivered', 'delivered']);
  });

  test('waits for the Retry-After of any failure, whatever is answered meanwhile to what was sent before', async () => {
    const waiting: ServerResponse[] = [];
    const sink = await receiver((response) => void waiting.push(response));
    const { endpoint, happens, stores, clock, settled } = await start();
    const ref = await endpoint(sink);
    await happens('ada', [created('ada', 'Ada')]);
    await happens('bob', [created('bob', 'Bob')]);
    await until(() => waiting.length === 2, 'both to be under way');
    waiting[0]?.writeHead(500, { 'Retry-After': '3600' }).end();
    await until(async () => (await stores.endpoints.find(ref))?.health.pausedUntil !== null, 'the pause');
    sink.answer = ok;
    waiting[1]?.writeHead(200).end();
    await settled();
    await happens('joe', [created('joe', 'Joe')]);
    await clock.advance(59 * MINUTE, settled);
    expect(names(sink).filter((name) => name === 'Joe')).toEqual([]);
    await clock.advance(2 * MINUTE, settled);
    expect(names(sink).filter((name) => name === 'Joe')).toEqual(['Joe']);
  });

  test.each([
    ['a redirect', status(302, { Location: 'http://127.0.0.1:1/' }), 302, /redirects are not followed/],
    ['a reset', ((_response, _received, request) => request.socket.resetAndDestroy()) as Answer, null, /broke off/],
    ['silence', (() => undefined) as Answer, null, /no whole answer within/],
    ['a dripping body', ((response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write('.'), 20);
      response.on('close', () => clearInterval(drip));
    }) as Answer, 200, /no whole answer within/],
    ['what is not HTTP', ((response) => response.socket?.end('nonsense\r\n\r\n')) as Answer, null, /not HTTP/],
    ['too many headers', ((response) => response.writeHead(200, { 'X-Large': 'x'.repeat(40_000) }).end()) as Answer, null, /too many headers/],
  ])('fails on %s', async (_what, answer, code, error) => {
    const sink = await receiver(answer);
    const { endpoint, happens, deliveries, settled } = await start({ exchangeMs: 300 });
    const ref = await endpoint(sink);
    await happens('ada', [created('ada')]);
    await settled();
    const [delivery] = await deliveries(ref);
    expect(delivery).toMatchObject({ status: 'pending', attempts: [{ status: code, error: expect.stringMatching(error) }] });
    expect(sink.received).toHaveLength(1);
  });

  test('fails where nobody listens', async () => {
    const sink = await receiver();
    await sink.close();
    const { endpoint, happens, deliveries, settled } = await start();
    const ref = await endpoint(sink);
    await happens('ada', [created('ada')]);
    await settled();
    expect((await deliveries(ref))[0]?.attempts[0]).toMatchObject({ status: null, error: 'the connection was refused' });
  });

  test('goes nowhere when its URL, made when private networks were allowed, may be used no longer', async () => {
    const sink = await receiver();
    const { endpoint, happens, deliveries, settled } = await start({ allowPrivate: false });
    const ref = await endpoint(sink);
    await happens('ada', [created('ada')]);
    await settled();
    expect((await deliveries(ref))[0]).toMatchObject({ status: 'pending', attempts: [{ status: null, error: expect.stringMatching(/^the URL cannot be used: Must be an https URL/) }] });
    expect(sink.received).toEqual([]);
  });

  test('is signed by a secret for 24 hours after it was rotated out, and by the new one', async () => {
    const sink = await receiver();
    const { endpoint, commands, context, happens, clock, settled } = await start();
    const ref = await endpoint(sink);
    const rotated = await commands.rotateSecret(context(), ref.endpointId);
    const signed = () => String(sink.received.at(-1)?.headers['webhook-signature']).split(' ').length;
    await clock.advance(23 * HOUR, settled);
    await happens('ada', [created('ada')]);
    await settled();
    expect(signed()).toBe(2);
    await clock.advance(2 * HOUR, settled);
    await happens('bob', [created('bob')]);
    await settled();
    expect(signed()).toBe(1);
    const { text, headers } = sink.received.at(-1) as Received;
    const timestamp = new Date(Number(headers['webhook-timestamp']) * 1_000);
    const expected = new Webhook(rotated.done ? rotated.secret : '').sign(String(headers['webhook-id']), timestamp, text);
    expect(headers['webhook-signature']).toBe(expected);
  });

  test('reads no more than 16 kB of 100 MB, and keeps the first kilobyte', async () => {
    let sent = 0;
    const chunk = Buffer.alloc(65_536, 'x');
    const sink = await receiver((response) => {
      const more = () => {
        while (sent < 100_000_000 && !response.destroyed) {
          sent += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    });
    const { endpoint, happens, deliveries, settled } = await start();
    const ref = await endpoint(sink);
    await happens('ada', [created('ada')]);
    await settled();
    const [delivery] = await deliveries(ref);
    expect(delivery?.status).toBe('delivered');
    expect(delivery?.attempts[0]?.response?.toString()).toBe('x'.repeat(1_024));
    expect(sent).toBeLessThan(20_000_000);
  });
});

describe('an endpoint', () => {
  test('that failed for five days without a success is disabled, and the organization sees why', async () => {
    const sink = await receiver(status(500));
    const { endpoint, happens, stores, clock, settled } = await start();
    const ref = await endpoint(sink);
    await happens('ada', [created('ada')]);
    await clock.advance(5 * 24 * HOUR - HOUR, settled);
    expect((await stores.endpoints.find(ref))?.endpoint.status).toBe('enabled');
    await clock.advance(3 * HOUR, settled);
    await until(async () => (await stores.endpoints.find(ref))?.endpoint.status === 'disabled', 'the endpoint to be disabled');
    expect((await stores.endpoints.find(ref))?.endpoint.disabledReason).toBe('failing');
    const before = sink.received.length;
    await happens('bob', [created('bob')]);
    await clock.advance(HOUR, settled);
    expect(sink.received).toHaveLength(before);
  });

  test('that succeeds in between is not', async () => {
    const sink = await receiver((response, { body }) => response.writeHead(body.data.name === 'Ada' ? 500 : 200).end());
    const { endpoint, happens, stores, clock, settled } = await start();
    const ref = await endpoint(sink);
    await happens('ada', [created('ada')]);
    await clock.advance(3 * 24 * HOUR, settled);
    await happens('bob', [created('bob', 'Bob')]);
    await clock.advance(3 * 24 * HOUR, settled);
    expect(await stores.endpoints.find(ref)).toMatchObject({ endpoint: { status: 'enabled' } });
  });

  test('gets what happens to a contact in order, eight contacts at a time, and the next though one fails', async () => {
    let inFlight = 0;
    let most = 0;
    const sink = await receiver((response, { body }) => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      setTimeout(() => {
        inFlight -= 1;
        response.writeHead(body.data.name === 'c0-1' ? 500 : 200).end();
      }, 5);
    });
    const { endpoint, happens, settled, clock } = await start();
    await endpoint(sink);
    const contacts = Array.from({ length: 30 }, (_, index) => `c${index}`);
    for (const id of contacts) await happens(id, [created(id, `${id}-0`), renamed(id, `${id}-1`), renamed(id, `${id}-2`), deleted(id)]);
    await settled();
    const of = (id: string) => sink.received.filter(({ body }) => body.data.id === id).map(({ body }) => body.data.name);
    for (const id of contacts) expect(of(id)).toEqual([0, 1, 2, 2].map((version) => `${id}-${version}`));
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(8);
    await clock.advance(6_000, settled);
    expect(of('c0').at(-1)).toBe('c0-1');
  });

  test('that is ordered waits for a stuck contact, while others go on', async () => {
    let stuck = true;
    const sink = await receiver((response, { body }) => response.writeHead(stuck && body.data.name === 'Ada 1' ? 500 : 200).end());
    const { endpoint, happens, deliveries, clock, settled } = await start();
    const ref = await endpoint({ ...sink, ordered: true });
    await happens('ada', [created('ada', 'Ada 0'), renamed('ada', 'Ada 1'), renamed('ada', 'Ada 2')]);
    await happens('bob', [created('bob', 'Bob 0'), renamed('bob', 'Bob 1')]);
    await settled();
    expect(names(sink).filter((name) => name.startsWith('Ada'))).toEqual(['Ada 0', 'Ada 1']);
    expect(names(sink).filter((name) => name.startsWith('Bob'))).toEqual(['Bob 0', 'Bob 1']);
    expect((await deliveries(ref))[2]).toMatchObject({ status: 'pending', attempts: [], nextAttemptAt: null });
    stuck = false;
    await clock.advance(6_000, settled);
    expect(names(sink).filter((name) => name.startsWith('Ada'))).toEqual(['Ada 0', 'Ada 1', 'Ada 1', 'Ada 2']);
  });

  test('that begins to fail gets what was taken up of it one at a time', async () => {
    const waiting: ServerResponse[] = [];
    const sink = await receiver((response) => void waiting.push(response));
    const { endpoint, happens, settled } = await start();
    await endpoint(sink);
    for (let index = 0; index < 40; index += 1) await happens(`c${index}`, [created(`c${index}`)]);
    await until(() => waiting.length === 8, 'eight to be under way');
    for (const response of waiting.splice(0)) response.writeHead(500).end();
    for (let tried = 8; tried < 12; tried += 1) {
      await until(() => waiting.length > 0, 'the next to be tried');
      expect(sink.received).toHaveLength(tried + 1);
      waiting.shift()?.writeHead(500).end();
    }
    sink.answer = ok;
    await until(() => waiting.length > 0 || sink.received.length > 13, 'the next to be tried');
    for (const response of waiting.splice(0)) response.end();
    await settled();
    expect(new Set(sink.received.map(({ id }) => id)).size).toBe(40);
  });

  test('that asks to be left alone is sent nothing more of what was taken up', async () => {
    const sink = await receiver(status(429, { 'Retry-After': '60' }));
    const { endpoint, happens, settled, clock } = await start();
    await endpoint(sink);
    for (let index = 0; index < 40; index += 1) await happens(`c${index}`, [created(`c${index}`)]);
    await settled();
    expect(sink.received.length).toBeLessThanOrEqual(8);
    sink.answer = ok;
    await clock.advance(2 * MINUTE, settled);
    expect(new Set(sink.received.map(({ id }) => id)).size).toBe(40);
  });

  test('takes nothing from others: dead ones beside it change nothing for it', async () => {
    const dead = await receiver(() => undefined);
    const sink = await receiver();
    const { endpoint, happens, stores } = await start({ exchangeMs: 60_000 });
    for (let index = 0; index < 20; index += 1) await endpoint({ ...dead, organizationId: `dead-${index % 4}` });
    await endpoint(sink);
    for (let index = 0; index < 20; index += 1) for (let dying = 0; dying < 4; dying += 1) await happens(`d${index}`, [created(`d${index}`)], `dead-${dying}`);
    await until(() => dead.received.length >= 20, 'the dead to be tried');
    for (let index = 0; index < 50; index += 1) await happens(`c${index}`, [created(`c${index}`)]);
    await until(() => sink.received.length === 50, 'the healthy to be told');
    // None of the dead has had time to fail: the healthy did not wait for them.
    expect((await stores.deliveries.statistics(9)).pending).toBeGreaterThan(300);
    expect(dead.received.length).toBeLessThanOrEqual(20 * 8);
    await dead.close();
  });
});

describe('what was sent', () => {
  test('is not sent again by a rewound subscription, nor after 30 days when the log is gone', async () => {
    const sink = await receiver();
    const first = await start();
    const ref = await first.endpoint(sink);
    await first.happens('ada', [created('ada')]);
    await first.settled();
    await first.clock.advance(31 * 24 * HOUR, first.settled);
    await until(async () => (await first.deliveries(ref)).length === 0, 'the log to be swept');
    await first.happens('bob', [created('bob', 'Bob')]);
    await first.settled();
    const { dataDir } = first;
    await (opened.pop() as { close(): Promise<void> }).close();
    const file = new Sqlite(`${dataDir}/contacts.sqlite`);
    file.exec("DELETE FROM checkpoints WHERE subscriber = 'webhooks'");
    file.close();
    const again = await openWebhooks({}, first.clock, dataDir);
    opened.push({ close: () => again.stop() });
    again.start();
    await again.settled();
    await again.happens('eve', [created('eve', 'Eve')]);
    await again.settled();
    expect(names(sink)).toEqual(['Ada', 'Bob', 'Eve']);
  });

  test('while an endpoint was disabled is not sent by a rewound subscription', async () => {
    const sink = await receiver();
    const first = await start();
    const ref = await first.endpoint(sink);
    await first.commands.update(first.context(), ref.endpointId, { status: 'disabled' });
    await first.happens('ada', [created('ada', 'Ada')]);
    await first.settled();
    await first.commands.update(first.context(), ref.endpointId, { status: 'enabled' });
    await first.settled();
    const { dataDir } = first;
    await (opened.pop() as { close(): Promise<void> }).close();
    const file = new Sqlite(`${dataDir}/contacts.sqlite`);
    file.exec("DELETE FROM checkpoints WHERE subscriber = 'webhooks'");
    file.close();
    const again = await openWebhooks({}, first.clock, dataDir);
    opened.push({ close: () => again.stop() });
    again.start();
    await again.settled();
    await again.happens('eve', [created('eve', 'Eve')]);
    await again.settled();
    expect(names(sink)).toEqual(['Eve']);
  });

  test('can be replayed though the log is gone, with the same ids and bytes', async () => {
    const sink = await receiver();
    const { endpoint, happens, deliveries, webhooks, stores, clock, settled } = await start();
    const ref = await endpoint(sink);
    const since = clock.now();
    await happens('ada', [created('ada', 'Ada 0'), renamed('ada', 'Ada 1')]);
    await settled();
    await clock.advance(31 * 24 * HOUR, settled);
    await until(async () => (await deliveries(ref)).length === 0, 'the log to be swept');
    await webhooks.replay(ref, 'replay', { since, until: clock.now(), topics: ['contact.created', 'contact.updated'] });
    await until(async () => (await stores.replays.find(ref, 'replay'))?.done === true, 'the replay');
    await settled();
    const [a, b, c, d] = sink.received.map(({ id, text }) => id + text);
    expect([c, d]).toEqual([a, b]);
    expect(sink.received).toHaveLength(4);
  });

  test('is replayed with a look at what happened about then alone, and at no other organization', async () => {
    const sink = await receiver();
    const { endpoint, happens, webhooks, stores, clock, settled, platform } = await start();
    const ref = await endpoint({ ...sink, events: ['contact.deleted'] });
    for (let n = 0; n < 40; n += 1) await happens(`old ${n}`, [created(`old ${n}`)]);
    await clock.advance(3 * HOUR, settled);
    const since = clock.now();
    for (let n = 0; n < 20; n += 1) await happens(`others ${n}`, [created(`others ${n}`)], 'bolt');
    await happens('ada', [created('ada', 'Ada')]);
    await settled();
    const [all, looked] = [jest.spyOn(platform.log, 'readAll'), jest.spyOn(platform.eventIndex, 'read')];
    await webhooks.replay(ref, 'replay', { since, until: new Date(clock.now().getTime() + HOUR), topics: ['contact.created'] });
    await until(async () => (await stores.replays.find(ref, 'replay'))?.done === true, 'the replay');
    await settled();
    expect(sink.received.map(({ body }) => body.data.name)).toEqual(['Ada']);
    const pages = await Promise.all(looked.mock.results.map(({ value }) => value as Promise<IndexedEvents>));
    const events = pages.flatMap((page) => page.events);
    expect(events.map(({ stream }) => stream)).toEqual([contactStream('acme', 'ada')]);
    expect(all).not.toHaveBeenCalled();
  });

  test('about an erased contact is cancelled, and nothing of it can be read', async () => {
    const echo = await receiver((response, { text }) => response.writeHead(500).end(text));
    const { endpoint, happens, deliveries, platform, stores, clock, settled } = await start();
    const ref = await endpoint(echo);
    await happens('ada', [created('ada', 'Secret Name')]);
    await settled();
    expect((await deliveries(ref))[0]?.attempts[0]?.response?.toString()).toContain('Secret Name');
    const { eventId = '', topic = '' } = (await deliveries(ref))[0] ?? {};
    expect((await stores.deliveries.payload({ eventId, topic }))?.toString('latin1')).not.toContain('Secret Name');
    await platform.keys.destroy({ organizationId: 'acme', id: 'ada' });
    await clock.advance(HOUR, settled);
    expect(echo.received).toHaveLength(1);
    expect(await deliveries(ref)).toMatchObject([{ status: 'erased', attempts: [{ response: null }], nextAttemptAt: null }]);
    const forgotten = [jest.spyOn(Bodies.prototype, 'drop'), jest.spyOn(ContactsAsOf.prototype, 'forget')];
    await happens('ada', [{ type: 'ContactErased', data: { contactId: 'ada', reason: 'asked' } }]);
    await settled();
    for (const forget of forgotten) expect(forget).toHaveBeenCalledWith({ organizationId: 'acme', contactId: 'ada' });
    expect(await stores.deliveries.payload({ eventId, topic })).toBeNull();
  });

  test('about an erased contact that is pending though its payload is gone has not failed: it is erased', async () => {
    const sink = await receiver(status(500));
    const { endpoint, happens, deliveries, platform, stores, clock, settled } = await start();
    const ref = await endpoint(sink);
    await happens('ada', [created('ada')]);
    await settled();
    await platform.keys.destroy({ organizationId: 'acme', id: 'ada' });
    jest.spyOn(Bodies.prototype, 'get').mockReturnValueOnce(undefined);
    jest.spyOn(stores.deliveries, 'payload').mockResolvedValueOnce(null);
    await clock.advance(HOUR, settled);
    expect((await deliveries(ref)).map((one) => one.status)).toEqual(['erased']);
  });
});

test('what an earlier copy left waiting behind nothing is looked for until the store has answered', async () => {
  const webhooks = await openWebhooks();
  opened.push({ close: () => webhooks.stop() });
  const recover = jest.spyOn(webhooks.stores.deliveries, 'recover').mockRejectedValueOnce(new UnavailableError('gone for a moment'));
  webhooks.start();
  await until(() => recover.mock.calls.length === 2, 'another look', 10_000);
  expect(webhooks.errors).toMatchObject([{ message: 'gone for a moment' }]);
});
