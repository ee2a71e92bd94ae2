// Many writes on one contact at once, and deletions racing with whoever names the deleted.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTestService, type Client, type TestService } from '../support/service.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

const newContact = async (client: Client, fields: object = {}) => (await client.post('/contacts', { name: 'Contact', ...fields })).body.id as string;
const times = <Result>(count: number, make: (index: number) => Result): Result[] => Array.from({ length: count }, (_, index) => make(index));

test('64 concurrent changes of one contact are all made and none is lost', async () => {
  const client = service.client();
  const id = await newContact(client);
  const replies = await Promise.all(times(64, (index) => client.put(`/contacts/${id}`, { customFields: { [`key${index}`]: index } })));
  expect(replies.map(({ status }) => status)).toEqual(times(64, () => 200));
  expect(new Set(replies.map(({ headers }) => headers.get('ETag'))).size).toBe(64);
  const { body } = await client.get(`/contacts/${id}`);
  expect(body.customFields).toEqual(Object.fromEntries(times(64, (index) => [`key${index}`, index])));
});

test('of 64 changes that insist on the same ETag exactly one is made', async () => {
  const client = service.client();
  const id = await newContact(client);
  for (let round = 0; round < 5; round += 1) {
    const etag = (await client.get(`/contacts/${id}`)).headers.get('ETag') as string;
    const replies = await Promise.all(times(64, (index) => client.put(`/contacts/${id}`, { notes: `${round} ${index}` }, { 'If-Match': etag })));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(replies.filter(({ status }) => status === 412)).toHaveLength(63);
    const winner = replies.find(({ status }) => status === 200);
    expect((await client.get(`/contacts/${id}`)).body).toEqual(winner?.body);
    expect(replies.find(({ status }) => status === 412)?.body.error).toBe('PRECONDITION_FAILED');
  }
});

test('of a change and a deletion that insist on the same ETag exactly one is made', async () => {
  const client = service.client();
  for (let round = 0; round < 20; round += 1) {
    const id = await newContact(client);
    const etag = (await client.get(`/contacts/${id}`)).headers.get('ETag') as string;
    const writes = [() => client.put(`/contacts/${id}`, { notes: 'x' }, { 'If-Match': etag }), () => client.delete(`/contacts/${id}`, { 'If-Match': etag })];
    const [first, second] = await Promise.all((round % 2 === 0 ? writes : writes.reverse()).map((write) => write()));
    const statuses = [first?.status, second?.status];
    expect(statuses.filter((status) => status === 200 || status === 204)).toHaveLength(1);
    expect(statuses.filter((status) => status === 412 || status === 404)).toHaveLength(1);
  }
});

test('of many deletions of one contact exactly one is made, the others find nothing', async () => {
  const client = service.client();
  const id = await newContact(client);
  const statuses = (await Promise.all(times(16, () => client.delete(`/contacts/${id}`)))).map(({ status }) => status);
  expect(statuses.sort()).toEqual([204, ...times(15, () => 404)]);
});

test('the same POST sent 16 times at once with one Idempotency-Key makes one contact', async () => {
  const client = service.client();
  const replies = await Promise.all(times(16, () => client.post('/contacts', { name: 'Once' }, { 'Idempotency-Key': 'k' })));
  expect(replies.filter(({ status }) => status !== 201 && status !== 409)).toEqual([]);
  expect(new Set(replies.filter(({ status }) => status === 201).map(({ body }) => body.id)).size).toBe(1);
  expect((await client.get('/contacts')).body.total).toBe(1);
});

/** Asks until `fits`, for a moment. */
async function soon(fits: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 60 && !(await fits()); tries += 1) await sleep(50);
  expect(await fits()).toBe(true);
}

test('deletions of managers racing with lines drawn to them leave no line to a deleted manager', async () => {
  const client = service.client();
  for (let batch = 0; batch < 3; batch += 1) {
    const managers = await Promise.all(times(16, () => newContact(client)));
    const existing = await Promise.all(times(16, () => newContact(client)));
    const made: string[] = [];
    await Promise.all(
      managers.flatMap((manager, index) => {
        const line = { metadata: { reportsTo: manager } };
        const draw = async () => expect([200, 400, 409]).toContain((await client.put(`/contacts/${existing[index]}`, line)).status);
        const make = async () => {
          const { status, body } = await client.post('/contacts', { name: 'Report', ...line });
          expect([201, 400]).toContain(status);
          if (status === 201) made.push(body.id);
        };
        const remove = async () => {
          await sleep(Math.random() * 8);
          expect((await client.delete(`/contacts/${manager}`)).status).toBe(204);
        };
        return [draw(), make(), remove(), sleep(Math.random() * 8).then(make)];
      }),
    );
    // A change that changes nothing answers from the contact's own events, not from what reads hide.
    const stateOf = async (id: string) => (await client.put(`/contacts/${id}`, {})).body.metadata.reportsTo as string | null;
    for (const id of [...existing, ...made]) await soon(async () => (await stateOf(id)) === null);
  }
  expect((await client.get('/contacts/hierarchy')).body).toEqual({});
}, 120_000);

test('deletions, moves and archivings racing with set-primary leave no unfit primary contact', async () => {
  const client = service.client();
  const leaving = [
    (id: string) => client.delete(`/contacts/${id}`),
    (id: string) => client.put(`/contacts/${id}`, { parentEntityId: null }),
    (id: string) => client.put(`/contacts/${id}`, { status: 'archived' }),
  ];
  for (const leave of leaving) {
    for (let batch = 0; batch < 2; batch += 1) {
      const companies = await Promise.all(times(16, async () => (await client.post('/companies', { name: 'Race Ltd', entityTypes: ['Company'] })).body.id as string));
      const pairs = await Promise.all(companies.map(async (company) => ({ company, id: await newContact(client, { parentEntityId: company }) })));
      await Promise.all(
        pairs.flatMap(({ company, id }) => [
          sleep(Math.random() * 6).then(async () => expect([200, 400, 404]).toContain((await client.post(`/contacts/${id}/set-primary/${company}`)).status)),
          sleep(Math.random() * 6).then(async () => expect([200, 204]).toContain((await leave(id)).status)),
        ]),
      );
      for (const { company } of pairs) {
        await soon(async () => (await client.put(`/companies/${company}`, {})).body.primaryContactId === null);
        expect((await client.get(`/companies/${company}`)).body.primaryContactId).toBeNull();
      }
    }
  }
}, 120_000);
