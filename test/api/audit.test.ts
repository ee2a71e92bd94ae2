// The audit of an organization: filters, pages, and its three formats.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import { setTimeout as sleep } from 'node:timers/promises';
import { newOrganization, startTestService, type Client, type TestService } from '../support/service.js';
import { expectError, expectInvalid } from './errorShape.js';

interface Entry {
  type: string;
  at: string;
  contactId?: string;
  companyId?: string;
  actor: { sub: string };
  revision: number;
}

let service: TestService;
const organization = newOrganization();
let auditor: Client;
let contact: { id: string };
let company: { id: string };
let between: string;
beforeAll(async () => {
  service = await startTestService();
  auditor = service.client(organization, { scope: 'audit:read' });
  const [ada, bob] = [service.client(organization, { sub: 'ada' }), service.client(organization, { sub: '=bob()' })];
  company = (await ada.post('/companies', { name: 'Acme' })).body;
  contact = (await ada.post('/contacts', { name: 'Zoe', parentEntityId: company.id })).body;
  await bob.post(`/contacts/${contact.id}/set-primary/${company.id}`);
  await sleep(2);
  between = new Date().toISOString();
  await sleep(2);
  await bob.put(`/contacts/${contact.id}`, { notes: 'a, "b"\nc' });
  await bob.delete(`/contacts/${contact.id}`);
});
afterAll(() => service.stop());

const audit = async (query = '') => (await auditor.get(`/audit${query}`)).body.data as Entry[];
const typesOf = (entries: readonly Entry[]) => entries.map(({ type }) => type);
const all = ['PrimaryCleared', 'ContactDeleted', 'ContactUpdated', 'PrimarySet', 'ContactCreated', 'CompanyCreated'];

test('tells all that happened, newest first, each as the history of its contact or company has it', async () => {
  const entries = await audit();
  // The reaction to the deletion may have its millisecond.
  expect(typesOf(entries).sort()).toEqual([...all].sort());
  expect(entries.map(({ at }) => at)).toEqual(entries.map(({ at }) => at).sort().reverse());
  const reader = service.client(organization);
  for (const [path, key, id] of [['contacts', 'contactId', contact.id], ['companies', 'companyId', company.id]] as const) {
    const history = (await reader.get(`/${path}/${id}/history`)).body.data as Entry[];
    const own = entries.filter((entry) => entry[key] !== undefined);
    expect(own).toEqual(expect.arrayContaining(history.map((entry) => ({ [key]: id, ...entry }))));
    expect(own).toHaveLength(history.length);
  }
  expect(entries.find(({ type }) => type === 'PrimaryCleared')?.actor).toEqual({ sub: '=bob()' });
});

test('is filtered by actor, type, contact, company and time, alone and together', async () => {
  expect(typesOf(await audit('?actor=ada'))).toEqual(['ContactCreated', 'CompanyCreated']);
  expect(typesOf(await audit('?type=PrimarySet'))).toEqual(['PrimarySet']);
  expect(typesOf(await audit(`?contactId=${contact.id}`))).toEqual(['ContactDeleted', 'ContactUpdated', 'ContactCreated']);
  expect(typesOf(await audit(`?companyId=${company.id}`))).toEqual(['PrimaryCleared', 'PrimarySet', 'CompanyCreated']);
  expect(typesOf(await audit(`?until=${between}`))).toEqual(['PrimarySet', 'ContactCreated', 'CompanyCreated']);
  expect(typesOf(await audit(`?since=${between}`)).sort()).toEqual(['ContactDeleted', 'ContactUpdated', 'PrimaryCleared']);
  expect(typesOf(await audit(`?actor=ada&type=ContactCreated&until=${between}&contactId=${contact.id}`))).toEqual(['ContactCreated']);
  expect(await audit(`?contactId=${contact.id}&companyId=${company.id}`)).toEqual([]);
  expect(await audit('?actor=nobody')).toEqual([]);
  const [{ at }] = (await audit('?type=PrimarySet')) as [Entry];
  expect(typesOf(await audit(`?since=${at}&until=${at}&type=PrimarySet`))).toEqual(['PrimarySet']);
});

test('tells what happened to webhook endpoints, and no secret of theirs', async () => {
  const owner = newOrganization();
  const [client, reader] = [service.client(owner, { sub: 'ada' }), service.client(owner, { scope: 'audit:read' })];
  const { id, secret } = (await client.post('/webhooks', { url: 'https://example.com/a', events: ['contact.created'] })).body;
  await client.put(`/webhooks/${id}`, { url: 'https://example.com/b', status: 'disabled' });
  await client.put(`/webhooks/${id}`, { status: 'enabled' });
  const rotated = (await client.post(`/webhooks/${id}/rotate-secret`)).body.secret as string;
  await client.delete(`/webhooks/${id}`);
  const { body, text } = await reader.get('/audit');
  const told = (body.data as (Entry & { webhookId: string; changes: object[] })[]).map(({ type, revision, webhookId, changes }) => ({ type, revision, mine: webhookId === id, changes }));
  const change = (field: string, from: unknown, to: unknown) => ({ field, from, to });
  const created = [change('url', null, 'https://example.com/a'), change('events', null, ['contact.created']), change('ordered', null, false), change('status', null, 'enabled')];
  expect(told.reverse()).toEqual([
    { type: 'WebhookEndpointCreated', revision: 0, mine: true, changes: expect.arrayContaining(created) },
    { type: 'WebhookEndpointUpdated', revision: 1, mine: true, changes: [change('url', 'https://example.com/a', 'https://example.com/b')] },
    { type: 'WebhookEndpointDisabled', revision: 2, mine: true, changes: [change('status', 'enabled', 'disabled'), change('disabledReason', null, 'requested')] },
    { type: 'WebhookEndpointUpdated', revision: 3, mine: true, changes: [change('status', 'disabled', 'enabled')] },
    { type: 'WebhookEndpointSecretRotated', revision: 4, mine: true, changes: [] },
    { type: 'WebhookEndpointDeleted', revision: 5, mine: true, changes: [] },
  ]);
  for (const kept of [secret, rotated]) expect(text).not.toContain(kept);
  expect(typesOf((await reader.get('/audit?type=WebhookEndpointDisabled&actor=ada')).body.data)).toEqual(['WebhookEndpointDisabled']);
  expect((await reader.get(`/audit?contactId=${contact.id}`)).body.data).toEqual([]);
  expect((await reader.get('/audit', { Accept: 'text/csv' })).text).toContain(`,${id},5,`);
  expect(typesOf(await audit())).not.toContain('WebhookEndpointCreated');
});

test('pages by cursor in every format', async () => {
  const whole = await audit();
  const paged: Entry[] = [];
  for (let path = '/audit?limit=2'; path !== ''; ) {
    const { body, headers } = await auditor.get(path);
    paged.push(...body.data);
    path = body.nextCursor === null ? '' : `/audit?limit=2&cursor=${body.nextCursor}`;
    expect(headers.get('Link')).toBe(path === '' ? null : `</api/v1${path}>; rel="next"`);
  }
  expect(paged).toEqual(whole);
  const lines = await auditor.get('/audit?limit=2', { Accept: 'application/x-ndjson' });
  expect(lines.text.trim().split('\n')).toHaveLength(2);
  expect(lines.headers.get('Link')).toMatch(/cursor=/);
});

test('is everything, as NDJSON or as CSV, where no limit is given', async () => {
  const busy = service.client();
  const { id } = (await busy.post('/contacts', { name: 'Ada' })).body;
  for (let n = 0; n < 505; n += 5) await Promise.all([1, 2, 3, 4, 5].map((m) => busy.post('/contacts', { name: `${n + m}`, metadata: { reportsTo: id } })));
  const ndjson = await busy.get('/audit', { Accept: 'application/x-ndjson' });
  const entries = ndjson.text.trimEnd().split('\n').map((line) => JSON.parse(line) as Entry);
  expect(ndjson.headers.get('Content-Type')).toMatch(/^application\/x-ndjson/);
  expect(new Set(entries.map(({ contactId }) => contactId)).size).toBe(506);
  const csv = await busy.get('/audit', { Accept: 'text/csv' });
  const rows = parse(csv.text, { columns: true, record_delimiter: '\r\n' }) as Record<string, string>[];
  expect(csv.headers.get('Content-Type')).toMatch(/^text\/csv/);
  expect(rows.map(({ contactId }) => contactId)).toEqual(entries.map(({ contactId }) => contactId));
  expect((await busy.get('/audit')).body.data).toEqual(entries.slice(0, 100));
});

test('in CSV no value is a formula, and every value comes back', async () => {
  const { text, headers } = await auditor.get('/audit', { Accept: 'text/csv' });
  expect(headers.get('Vary')?.split(', ')).toContain('Accept');
  const rows = parse(text, { columns: true, record_delimiter: '\r\n' }) as Record<string, string>[];
  expect(rows).toHaveLength(all.length);
  for (const value of rows.flatMap((row) => Object.values(row))) expect(value).not.toMatch(/^[=+\-@\t\r]/);
  expect(new Set(rows.map(({ actor }) => actor))).toEqual(new Set(['ada', "'=bob()"]));
  const updated = rows.find(({ type }) => type === 'ContactUpdated');
  expect(JSON.parse(updated?.changes ?? '')).toEqual([{ field: 'notes', from: null, to: 'a, "b"\nc' }]);
});

test('in CSV no value is a formula after what a spreadsheet passes over, and what is none stays as it is', async () => {
  const own = newOrganization();
  const formulas = ['=1', '\n=1', '\uFEFF=1', '\u00A0+1', ' -1', '\u200B@A1', '\t1', '\r1', '\n1', '\uFF1D1'];
  const plain = ['a=1', ' ada', "'=1", '1 - 1'];
  for (const sub of [...formulas, ...plain]) expect((await service.client(own, { sub }).post('/contacts', { name: 'Ada' })).status).toBe(201);
  const { text } = await service.client(own).get('/audit', { Accept: 'text/csv' });
  const rows = parse(text, { columns: true, record_delimiter: '\r\n' }) as Record<string, string>[];
  expect(new Set(rows.map(({ actor }) => actor))).toEqual(new Set([...formulas.map((sub) => `'${sub}`), ...plain]));
});

test("shows nothing of another organization, and needs audit:read", async () => {
  expect((await service.client().get(`/audit?contactId=${contact.id}`)).body).toEqual({ data: [], nextCursor: null });
  expect((await service.client().get('/audit', { Accept: 'text/csv' })).text.trim()).toBe('at,type,actor,contactId,companyId,webhookId,revision,eventId,requestId,changes');
  expectError(await service.client(organization, { scope: 'contacts:read companies:read events:read' }).get('/audit'), 403, 'FORBIDDEN');
});

test('names what is wrong with its parameters', async () => {
  for (const [query, field] of [['type=Nothing', 'type'], ['contactId=x', 'contactId'], ['since=yesterday', 'since'], ['since=9999-12-31T23:59:59-01:00', 'since'], ['until=0000-01-01T00:00:00%2B01:00', 'until'], ['limit=0', 'limit'], ['cursor=x', 'cursor'], ['page=1', 'page']]) {
    expectInvalid(await auditor.get(`/audit?${query}`), field as string);
  }
});
