// The service on EventStoreDB when that misbehaves: what is refused, what still works, and that
// nothing acknowledged is lost and nothing is carried out twice.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { contactStream } from '../../src/domain/streams.js';
import { EventStoreDouble, failures } from '../support/eventStoreDouble/index.js';
import { newOrganization, startTestService, type Client, type TestService } from '../support/service.js';

let double: EventStoreDouble;
let service: TestService;
let client: Client;
let organization: string;
beforeEach(async () => {
  double = await EventStoreDouble.start();
  service = await startTestService({ EVENTSTORE_URL: double.url });
  organization = newOrganization();
  client = service.client(organization);
}, 60_000);
afterEach(async () => {
  await double.connections.up();
  await service.stop();
  await double.stop();
});

const ready = async () => {
  const response = await fetch(`${service.origin}/health/ready`);
  const { problems = [] } = (await response.json()) as { problems?: string[] };
  return { status: response.status, problems };
};

/** Asks until the answer is `status`, and gives that answer. */
async function until<Answer extends { status: number }>(status: number, ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    const answer = await ask();
    if (answer.status === status) return answer;
    await sleep(50);
  }
}

/** How many events of a contact the server has. */
const eventsOf = (id: string) => {
  const records = double.log.stream(contactStream(organization, id));
  return typeof records === 'string' ? 0 : records.length;
};

describe('while EventStoreDB is gone', () => {
  test('what needs it is 503 with Retry-After, reads are served, health says so; back again all goes on', async () => {
    const { body: ada } = await client.post('/contacts', { name: 'Ada' });
    await double.connections.down();
    const refusals = [client.post('/contacts', { name: 'Bob' }), client.put(`/contacts/${ada.id}`, { name: 'Ada L.' }), client.delete(`/contacts/${ada.id}`)];
    for (const refused of await Promise.all(refusals)) {
      expect(refused).toMatchObject({ status: 503, body: { error: 'SERVICE_UNAVAILABLE' } });
      expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(0);
    }
    expect(await client.get(`/contacts/${ada.id}`)).toMatchObject({ status: 200, body: { name: 'Ada' } });
    expect(await client.get('/contacts')).toMatchObject({ status: 200, body: { total: 1 } });
    expect(await ready()).toMatchObject({ status: 503, problems: [expect.stringContaining('event log')] });
    await double.connections.up();
    await until(200, ready);
    expect(await client.put(`/contacts/${ada.id}`, { name: 'Ada Lovelace' })).toMatchObject({ status: 200 });
    expect(await client.post('/contacts', { name: 'Bob' })).toMatchObject({ status: 201 });
    expect((await client.get('/contacts?orderBy=name')).body.data.map(({ name }: { name: string }) => name)).toEqual(['Ada Lovelace', 'Bob']);
  });

  test('a request with an Idempotency-Key that got 503 makes one contact when it is repeated', async () => {
    const headers = { 'Idempotency-Key': randomUUID() };
    double.next('append', { do: 'delay', ms: 10_000 });
    double.next('append', { do: 'swallow' }, 9);
    expect(await client.post('/contacts', { name: 'Ada' }, headers)).toMatchObject({ status: 503 });
    double.forgetFaults();
    const answer = await until(201, () => client.post('/contacts', { name: 'Ada' }, headers));
    expect(eventsOf(answer.body.id)).toBe(1);
    expect(await client.get('/contacts')).toMatchObject({ body: { total: 1 } });
  });
});

test('appends are measured: how many, and how long the server took', async () => {
  for (let n = 0; n < 3; n += 1) await client.post('/contacts', { name: `Contact ${n}` });
  const text = await (await fetch(`${service.origin}/metrics`)).text();
  const [, count] = /^contacts_append_sync_seconds_count\{store="eventstoredb"\} (\d+)$/m.exec(text) ?? [];
  expect(Number(count)).toBeGreaterThanOrEqual(3);
  expect(text).toContain(`contacts_append_batch_size_sum{store="eventstoredb"} ${count}\n`);
});

describe('while EventStoreDB comes and goes', () => {
  test('an append whose answer was lost is acknowledged, and happened once', async () => {
    for (let n = 0; n < 5; n += 1) {
      double.next('append', { do: 'lose-answer' });
      const { status, body } = await client.post('/contacts', { name: `Contact ${n}` });
      expect(status).toBe(201);
      expect(eventsOf(body.id)).toBe(1);
    }
    expect(await client.get('/contacts')).toMatchObject({ body: { total: 5 } });
  });

  test('every acknowledged write is there, and every read after it shows it', async () => {
    const stop = new AbortController();
    const cutting = (async () => {
      while (!stop.signal.aborted) {
        await sleep(150);
        double.connections.cut();
        double.dropSubscriptions(failures.stopping());
      }
    })();
    const made: string[] = [];
    const write = async (n: number) => {
      const { status, body } = await client.post('/contacts', { name: `Contact ${n}` });
      if (status !== 201) return;
      made.push(body.id);
      expect(await client.get(`/contacts/${body.id}`)).toMatchObject({ status: 200 });
    };
    for (let n = 0; n < 40; n += 4) await Promise.all([0, 1, 2, 3].map((more) => write(n + more)));
    stop.abort();
    await cutting;
    expect(made.length).toBeGreaterThan(20);
    for (const id of made) expect(eventsOf(id)).toBe(1);
    expect((await client.get('/contacts')).body.total).toBeGreaterThanOrEqual(made.length);
  });
});

describe('beside a newer copy of the service', () => {
  test('an event of a newer version stops the projection where it stands, with health red, and nothing is guessed', async () => {
    const { body: ada } = await client.post('/contacts', { name: 'Ada' });
    const stream = contactStream(organization, ada.id);
    const [first] = double.log.stream(stream);
    if (first === undefined || typeof first === 'string') throw new Error('the contact has no event');
    const metadata = { ...(JSON.parse(Buffer.from(first.metadata).toString()) as object), schemaVersion: 99 };
    const newer = { ...first, id: randomUUID(), type: 'ContactUpdated', data: Buffer.from('{"patch":{}}'), metadata: Buffer.from(JSON.stringify(metadata)) };
    double.log.append(stream, 0, [newer]);
    // Others may come to it before the projection does, and health then says so first.
    const { problems } = await until(503, async () => {
      const answer = await ready();
      return answer.problems[0]?.startsWith('the projection') === true ? answer : { ...answer, status: 200 };
    });
    expect(problems).toEqual([expect.stringMatching(/contacts is stopped at position .*ContactUpdated, revision 1 of .*UnreadableEventError/)]);
    expect(await client.get(`/contacts/${ada.id}`)).toMatchObject({ status: 200, body: { name: 'Ada' } });
    expect(await client.put(`/contacts/${ada.id}`, { name: 'Ada L.' })).toMatchObject({ status: 503, body: { error: 'SERVICE_UNAVAILABLE' } });
    expect(eventsOf(ada.id)).toBe(2);
    expect(await client.post('/companies', { name: 'Engines', entityTypes: ['Company'] })).toMatchObject({ status: 201 });
  });
});
