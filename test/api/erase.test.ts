// POST /contacts/{id}/erase: nothing personal can be read any more, anywhere.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import Sqlite from 'libsql';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { contactStream } from '../../src/domain/streams.js';
import { nextStep } from '../../src/projections/advance.js';
import { contactsProjection } from '../../src/projections/contacts.js';
import { rebuild } from '../../src/projections/rebuild.js';
import { commit, createContacts, inStore, openTestHost } from '../support/projecting.js';
import { runCommand } from '../support/command.js';
import { newOrganization, startTestService, type Client, type TestService } from '../support/service.js';
import { temporaryFolder } from '../support/folder.js';
import { expectError } from './errorShape.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

const UNKNOWN = '0198c6a2-7d3e-7b11-9a52-3f0c6f0e4d21';
const make = async (client: Client, name: string, more: object = {}) => (await client.post('/contacts', { name, ...more })).body;

/** Words of a contact that stand nowhere else; the rare characters make trigrams that stand nowhere else either. */
const CANARY = 'Zq~Canary';
const canaries = {
  name: `${CANARY}-name`,
  displayName: `${CANARY}-display`,
  code: `${CANARY}-code`,
  email: 'zq~canary@x.org',
  phone: '+41 99 777 55 31',
  website: 'https://zq~canary.example',
  taxId: `${CANARY}-tax`,
  description: `${CANARY}-description`,
  notes: `${CANARY}-notes`,
  customFields: { [`${CANARY}-key`]: `${CANARY}-value` },
  address: { line1: `${CANARY}-line`, city: `${CANARY}-city`, addressee: `${CANARY}-addressee` },
  metadata: { title: `${CANARY}-title`, department: `${CANARY}-department`, mobilePhone: '+41 99 777 55 32', workPhone: '+41 99 777 55 33' },
};
/** As they are written, folded, and in the runs of three that the search index holds. */
const traces = [CANARY, 'zq~canary', 'zqcanary', '99 777 55', '９９７７７５５', 'q~c', '９７７７'];

function found(folder: string): string[] {
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  return files.flatMap(({ name: file }) => {
    const bytes = readFileSync(join(folder, file));
    return traces.filter((trace) => bytes.includes(trace)).map((trace) => `${trace} in ${file}`);
  });
}

/** Waits until no trace is found. */
async function nothingFound(folder: string): Promise<void> {
  for (const deadline = Date.now() + 60_000; found(folder).length > 0 && Date.now() < deadline; ) await sleep(50);
  expect(found(folder)).toEqual([]);
}

test('no byte of an erased contact is left in the data folder, nor in answers that are kept', async () => {
  const own = await startTestService();
  const client = own.client();
  for (let n = 0; n < 20; n += 1) await make(client, `Somebody ${n}`, { email: `somebody${n}@x.org` });
  const once = { 'Idempotency-Key': 'once' };
  const company = (await client.post('/companies', { name: 'Acme' })).body;
  const { body: made } = await client.post('/contacts', { ...canaries, parentEntityId: company.id }, once);
  const primary = `/contacts/${made.id}/set-primary/${company.id}`;
  await client.post(primary, undefined, { 'Idempotency-Key': 'primary' });
  await client.put(`/contacts/${made.id}`, { name: `${CANARY}-renamed`, email: 'zq~canary2@x.org' });
  await client.delete(`/contacts/${made.id}`);
  await client.post(`/contacts/${made.id}/restore`, undefined, { 'Idempotency-Key': 'restore' });
  expect(found(own.dataDir)).not.toEqual([]);
  const reply = await client.post(`/contacts/${made.id}/erase`, { reason: 'DSR-17' });
  expect(reply.status).toBe(200);
  for (const [path, key] of [['/contacts', 'once'], [primary, 'primary'], [`/contacts/${made.id}/restore`, 'restore']] as const) {
    const body = path === '/contacts' ? { ...canaries, parentEntityId: company.id } : undefined;
    const replayed = await client.post(path, body, { 'Idempotency-Key': key });
    expectError(replayed, 404, 'CONTACT_NOT_FOUND', []);
  }
  await nothingFound(own.dataDir);
  expect((await client.get('/contacts?search=somebody')).body.total).toBe(20);
  await own.stop();
  expect(found(own.dataDir)).toEqual([]);
});

test('an erasure while the files are read, as by a backup, waits for nobody, and leaves nothing once they are read no more', async () => {
  const own = await startTestService();
  const client = own.client();
  const { id } = await make(client, CANARY);
  const reader = new Sqlite(join(own.dataDir, 'contacts.sqlite'));
  reader.prepare('ATTACH ? AS keyed').run([join(own.dataDir, 'keys.sqlite')]);
  reader.exec('BEGIN; SELECT count(*) FROM events; SELECT count(*) FROM keyed.keys');
  const began = performance.now();
  expect((await client.post(`/contacts/${id}/erase`, { reason: 'DSR-17' })).status).toBe(200);
  expect((await client.get('/contacts')).body.total).toBe(0);
  expect(performance.now() - began).toBeLessThan(2_000);
  expect(found(own.dataDir)).not.toEqual([]);
  reader.exec('COMMIT');
  await nothingFound(own.dataDir);
  reader.close();
  await own.stop();
}, 90_000);

test('nothing is left in documents that a rebuild has begun or replaced', async () => {
  const dataDir = temporaryFolder();
  const organizationId = newOrganization();
  const first = await startTestService({}, dataDir);
  const { id } = await make(first.client(organizationId), CANARY, canaries);
  await first.client(organizationId).put(`/contacts/${id}`, { name: `${CANARY}-renamed` });
  await first.stop();
  const host = await openTestHost(dataDir);
  await createContacts(host, organizationId, Array.from({ length: 400 }, () => randomUUID()));
  await rebuild(contactsProjection, host.projector.deps);
  const begun = await host.platform.projectionStore.build('contacts', contactsProjection.version);
  const step = await nextStep(contactsProjection, begun, host.projector.deps, 1);
  expect(await step.apply(begun.position, step.position)).toBe(true);
  await host.platform.close();
  const second = await startTestService({}, dataDir);
  expect((await second.client(organizationId).post(`/contacts/${id}/erase`, { reason: 'DSR-17' })).status).toBe(200);
  await nothingFound(dataDir);
  await second.stop();
  const third = await openTestHost(dataDir);
  expect(await rebuild(contactsProjection, third.projector.deps)).toBeGreaterThan(400);
  await third.platform.close();
  expect(await runCommand(dataDir, ['verify'])).toMatchObject({ code: 0 });
  expect(found(dataDir)).toEqual([]);
}, 150_000);

test('an erased contact is not found, its reports have no manager, and the certificate says when and by whom, each time', async () => {
  const client = service.client(newOrganization(), { sub: 'dpo' });
  const company = (await client.post('/companies', { name: 'Acme' })).body;
  const boss = await make(client, 'Boss', { parentEntityId: company.id });
  const report = await make(client, 'Report', { metadata: { reportsTo: boss.id } });
  await client.post(`/contacts/${boss.id}/set-primary/${company.id}`);
  const first = await client.post(`/contacts/${boss.id}/erase`, { reason: 'DSR-17' }, { 'X-Request-Id': 'the-erasure', 'Idempotency-Key': 'erase' });
  expect(first.body).toMatchObject({ contactId: boss.id, actor: { sub: 'dpo' }, requestId: 'the-erasure' });
  expectError(await client.get(`/contacts/${boss.id}`), 404, 'CONTACT_NOT_FOUND', []);
  expectError(await client.put(`/contacts/${boss.id}`, { name: 'x' }), 404, 'CONTACT_NOT_FOUND', []);
  expectError(await client.post(`/contacts/${boss.id}/restore`), 404, 'CONTACT_NOT_FOUND', []);
  expect((await client.get(`/contacts/${report.id}`)).body.metadata.reportsTo).toBeNull();
  expect((await client.get(`/companies/${company.id}`)).body.primaryContactId).toBeNull();
  expect((await client.post(`/contacts/${boss.id}/erase`, { reason: 'again' })).body).toEqual(first.body);
  const replayed = await client.post(`/contacts/${boss.id}/erase`, { reason: 'DSR-17' }, { 'Idempotency-Key': 'erase' });
  expect([replayed.status, replayed.headers.get('Idempotency-Replayed'), replayed.body]).toEqual([200, 'true', first.body]);
});

test('a deleted contact is erased, too; an unknown one, and another organization\'s, is not found', async () => {
  const [client, other] = [service.client(), service.client()];
  const { id } = await make(client, 'Ada');
  await client.delete(`/contacts/${id}`);
  expectError(await other.post(`/contacts/${id}/erase`, { reason: 'x' }), 404, 'CONTACT_NOT_FOUND', []);
  expect((await client.post(`/contacts/${id}/erase`, { reason: 'x' })).status).toBe(200);
  expectError(await client.post(`/contacts/${UNKNOWN}/erase`, { reason: 'x' }), 404, 'CONTACT_NOT_FOUND', []);
});

test('it takes a reason, and a token that allows it', async () => {
  const organization = newOrganization();
  const client = service.client(organization);
  const { id } = await make(client, 'Ada');
  for (const [body, field] of [[{}, 'reason'], [{ reason: ' ' }, 'reason'], [{ reason: 'x'.repeat(501) }, 'reason'], [{ reason: 'x', why: 1 }, 'why']] as const) {
    const reply = await client.post(`/contacts/${id}/erase`, body);
    expect([reply.status, reply.body.details[0]?.field]).toEqual([400, field]);
  }
  const writer = service.client(organization, { scope: 'contacts:read contacts:write' });
  expectError(await writer.post(`/contacts/${id}/erase`, { reason: 'x' }), 403, 'FORBIDDEN', []);
  expect((await service.client(organization, { scope: 'contacts:erase' }).post(`/contacts/${id}/erase`, { reason: 'x' })).status).toBe(200);
});

test('an erasure that a crash left half done is finished after the next start', async () => {
  const dataDir = temporaryFolder();
  const organizationId = newOrganization();
  const first = await startTestService({}, dataDir);
  const client = first.client(organizationId);
  const { id } = await make(client, `${CANARY} again`, {});
  await first.stop();
  const host = await openTestHost(dataDir);
  await commit(host, organizationId, 0, { type: 'ContactErased', data: { contactId: id, reason: 'x' } });
  await host.platform.close();
  const second = await startTestService({}, dataDir);
  const isUsable = () => inKeys(dataDir, id);
  for (const deadline = Date.now() + 60_000; isUsable() && Date.now() < deadline; ) await sleep(20);
  expect(isUsable()).toBe(false);
  await second.stop();
  expect(inStore(dataDir, (file) => file.prepare('SELECT count(*) AS n FROM events WHERE stream = ?').get([contactStream(organizationId, id)]))).toMatchObject({ n: 2 });
});

function inKeys(dataDir: string, id: string): boolean {
  return inStore(dataDir, (file) => {
    file.prepare('ATTACH ? AS keys').run([join(dataDir, 'keys.sqlite')]);
    const row = file.prepare('SELECT wrapped FROM keys.keys WHERE id = ?').get([id]) as { wrapped: unknown } | undefined;
    return row !== undefined && row.wrapped !== null;
  });
}
