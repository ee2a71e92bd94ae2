// `contacts seed`: real-looking data by real events, alone or within the running service.

import { expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { newCompanySchema, newContactSchema } from '../../src/api/schemas/entity.js';
import { contactPatch, companyPatch, LEVELS, planCompany } from '../../src/operations/seed/people.js';
import { Random, Seeds, uuidAt } from '../../src/operations/seed/random.js';
import { runCommand } from '../support/command.js';
import { temporaryFolder } from '../support/folder.js';
import { startServiceProcess, startTestService, type Client } from '../support/service.js';

const contacts = (dataDir: string, ...args: string[]) => runCommand(dataDir, args);

const total = async (client: Client, path = '/contacts') => (await client.get(`${path}?limit=1`)).body.total as number;

test('a hundred companies and their people are what the API itself would accept', () => {
  const seeds = new Seeds('acme', '1');
  for (let number = 0; number < 100; number += 1) {
    const plan = planCompany(seeds.of(0, number));
    const { roles = [], ...company } = companyPatch(plan, seeds.of(1, number));
    expect(newCompanySchema.safeParse({ ...company, entityTypes: ['Company', ...roles] }).error).toBeUndefined();
    const companyId = uuidAt(Date.now(), seeds.of(2, number));
    for (let index = 0; index < Math.min(plan.managers.length, 40); index += 1) {
      const reportsTo = plan.managers[index] === null ? null : companyId;
      const contact = contactPatch(plan, { index, companyId, reportsTo }, seeds.of(3, index));
      expect(newContactSchema.safeParse(contact).error).toBeUndefined();
    }
  }
});

test('organization charts are trees of up to ten levels', () => {
  const seeds = new Seeds('charts');
  let deepest = 0;
  for (let number = 0; number < 200; number += 1) {
    const { managers, levels } = planCompany(seeds.of(0, number));
    expect(managers[0]).toBeNull();
    managers.slice(1).forEach((manager, index) => {
      expect(manager).toBeLessThan(index + 1);
      expect(levels[index + 1]).toBe((levels[manager as number] as number) + 1);
    });
    deepest = Math.max(deepest, ...levels);
  }
  expect(deepest).toBe(LEVELS - 1);
});

test('made ids are UUIDv7s, rise with their time, and differ by seed and organization', () => {
  const ids = [0, 1, 2].map((n) => uuidAt(Date.UTC(2020, 0, 1) + n, new Seeds('acme', '1').of(0, n)));
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect([...ids].sort()).toEqual(ids);
  const others = [new Seeds('acme', '2'), new Seeds('acm', 'e1')].map((seeds) => uuidAt(Date.UTC(2020, 0, 1), seeds.of(0, 0)));
  expect(new Set([ids[0], ...others]).size).toBe(3);
  const drawn = Array.from({ length: 1_000 }, (_, n) => new Random(n).next());
  expect(new Set(drawn).size).toBe(1_000);
});

test('seeding alone: what was asked for is there, in every index; the same seed goes on, another adds', async () => {
  const dataDir = temporaryFolder();
  expect(await contacts(dataDir, 'seed', '--org', 'acme', '--contacts', '400')).toMatchObject({ code: 0, out: expect.stringMatching(/^made 400 contacts and \d+ companies in acme\n$/) });
  const again = await contacts(dataDir, 'seed', '--org', 'acme', '--contacts', '400');
  expect(again.out).toBe('made 0 contacts and 0 companies in acme; 400 contacts of this seed were there before\n');
  expect((await contacts(dataDir, 'seed', '--org', 'acme', '--contacts', '450')).out).toMatch(/^made 50 contacts and \d+ companies in acme; 400 /);
  expect((await contacts(dataDir, 'seed', '--org', 'acme', '--contacts', '30', '--seed', '2')).out).toMatch(/^made 30 contacts/);
  const service = await startTestService({}, dataDir);
  const client = service.client('acme');
  expect(await total(client)).toBe(480);
  const { body: companies } = await client.get('/companies?limit=100');
  expect(companies.total).toBeGreaterThan(5);
  for (const { id, primaryContactId } of companies.data.slice(0, 5)) {
    const primary = await client.get(`/contacts/${primaryContactId}`);
    expect(primary.body).toMatchObject({ parentEntityId: id, status: 'active', metadata: { reportsTo: null, department: 'Executive' } });
  }
  expect((await client.get('/contacts/department/Executive')).body.data).toHaveLength(companies.total);
  const [contact] = (await client.get('/contacts?limit=1')).body.data;
  expect((await client.put(`/contacts/${contact.id}`, { name: 'Renamed' })).status).toBe(200);
  const hierarchy = (await client.get('/contacts/hierarchy')).body as Record<string, { id: string }[]>;
  expect(Object.values(hierarchy).flat()).toHaveLength(480 - companies.total);
  await service.stop();
});

test('seeding alone goes on where kills ended it, whatever was being written, and all of it is as the events say', async () => {
  const dataDir = temporaryFolder();
  const seed = ['seed', '--org', 'acme', '--contacts', '14000'];
  for (const ms of [1_000, 1_600]) await runCommand(dataDir, seed, {}, ms);
  const { code, out } = await contacts(dataDir, ...seed);
  const [, made = '', before = '0'] = /^made ([\d,]+) contacts .*?(?:; ([\d,]+) contacts of this seed were there before)?\n$/.exec(out) ?? [];
  const numberOf = (text: string) => Number(text.replaceAll(',', ''));
  expect([code, numberOf(made) + numberOf(before)]).toEqual([0, 14_000]);
  expect(await contacts(dataDir, 'verify')).toMatchObject({ code: 0 });
  expect(await contacts(dataDir, 'verify', '--audit')).toMatchObject({ code: 0 });
  const service = await startTestService({}, dataDir);
  expect(await total(service.client('acme'))).toBe(14_000);
  await service.stop();
}, 60_000);

test('seeding through the running service: it goes on answering, and a kill loses nothing that cannot be gone on with', async () => {
  const service = await startServiceProcess();
  const client = service.client('acme');
  const seeding = contacts(service.dataDir, 'seed', '--org', 'acme', '--contacts', '2000');
  let running = true;
  void seeding.then(() => (running = false));
  let answered = 0;
  while (running) {
    const { status } = await client.post('/contacts', { name: 'Meanwhile' });
    expect(status).toBe(201);
    answered += 1;
    await sleep(5);
  }
  expect(await seeding).toMatchObject({ code: 0, out: expect.stringMatching(/^made 2,000 contacts/) });
  expect(await total(client)).toBe(2_000 + answered);
  const interrupted = contacts(service.dataDir, 'seed', '--org', 'acme', '--contacts', '20000', '--seed', '2');
  while ((await total(client)) < 2_500 + answered) await sleep(5);
  await service.kill();
  expect(await interrupted).toMatchObject({ code: 1, err: expect.stringContaining('contacts: the service ended before it was done') });
  expect(await contacts(service.dataDir, 'seed', '--org', 'acme', '--contacts', '2500', '--seed', '2')).toMatchObject({ code: 0 });
  const restarted = await startTestService({}, service.dataDir);
  const left = await total(restarted.client('acme'));
  expect(left).toBeGreaterThanOrEqual(2_000 + answered + 2_500);
  const { body } = await restarted.client('acme').get('/contacts?search=meanwhile&limit=1');
  expect(body.total).toBe(answered);
  await restarted.stop();
}, 60_000);

test.each([
  [['seed', '--contacts', '5'], 'contacts: seed: --org is missing'],
  [['seed', '--org', 'acme'], 'contacts: seed: --contacts is missing'],
  [['seed', '--org', 'acme', '--contacts', '1.5'], 'contacts: seed: --contacts 1.5: must be a whole number from 1 to 99999999'],
  [['seed', '--org', 'acme', '--contacts', '5', '--seed', '-1'], "contacts: Option '--seed' argument is ambiguous."],
  [['seed', '--org', 'acme', '--contacts', '5', '--sed', '1'], "contacts: Unknown option '--sed'"],
  [['seed', '--org', 'acme', '--contacts', '5', 'more'], "contacts: seed: unexpected argument 'more'"],
])('%j is refused with one line and makes nothing', async (args, line) => {
  const dataDir = `${temporaryFolder()}/data`;
  const { code, out, err } = await contacts(dataDir, ...args);
  expect({ code, out, err: err.trim() }).toEqual({ code: 2, out: '', err: line });
  expect(existsSync(dataDir)).toBe(false);
});
