// What is measured: by route and status, of batches and lags, and of nobody in particular.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { pseudonymOf } from '../../src/metrics/webhooks.js';
import { newOrganization, startTestService, type TestService } from '../support/service.js';
import { eventually } from '../crash/load.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

const scrape = async () => (await fetch(`${service.origin}/metrics`)).text();

/** The values of a metric's lines that hold every one of `labels`. */
function valuesOf(text: string, name: string, ...labels: string[]): number[] {
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)));
  return lines.map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
}

test('requests are counted by the template of their route, by method and by status', async () => {
  const client = service.client();
  const { id } = (await client.post('/contacts', { name: 'Ada' })).body;
  for (let times = 0; times < 3; times += 1) await client.get(`/contacts/${id}`);
  await client.get('/contacts/00000000-0000-4000-8000-000000000000');
  await client.get('/no/such/route');
  const text = await scrape();
  const count = 'http_request_duration_seconds_count';
  expect(valuesOf(text, count, 'method="POST"', 'route="/contacts"', 'status="201"')).toEqual([1]);
  expect(valuesOf(text, count, 'route="/contacts/{id}"', 'status="200"')).toEqual([3]);
  expect(valuesOf(text, count, 'route="/contacts/{id}"', 'status="404"')).toEqual([1]);
  expect(valuesOf(text, count, 'route="unmatched"', 'status="404"')).toEqual([1]);
});

test('appends are measured by how many share a sync, and how long it takes', async () => {
  const client = service.client();
  const before = valuesOf(await scrape(), 'contacts_append_batch_size_sum', 'store="contacts"')[0] ?? 0;
  await Promise.all(Array.from({ length: 20 }, () => client.post('/contacts', { name: 'Together' })));
  const text = await scrape();
  expect((valuesOf(text, 'contacts_append_batch_size_sum', 'store="contacts"')[0] ?? 0) - before).toBeGreaterThanOrEqual(20);
  expect(valuesOf(text, 'contacts_append_sync_seconds_count', 'store="keys"')[0]).toBeGreaterThan(0);
});

test('every follower of the log shows its lag, which is none once it has seen all', async () => {
  await service.client().post('/contacts', { name: 'Ada' });
  for (const name of ['contacts', 'companies', 'reactions', 'webhooks']) {
    const lag = async () => valuesOf(await scrape(), 'contacts_lag_events', `name="${name}"`);
    expect(await eventually(lag, ([events]) => events === 0)).toEqual([0]);
    expect(valuesOf(await scrape(), 'contacts_lag_seconds', `name="${name}"`)).toEqual([0]);
  }
  expect(valuesOf(await scrape(), 'contacts_stopped', 'name="contacts"')).toEqual([0]);
});

test('the process is measured: memory, processor, event-loop delay', async () => {
  const text = await scrape();
  for (const name of ['process_resident_memory_bytes', 'process_cpu_seconds_total', 'nodejs_eventloop_lag_p99_seconds', 'nodejs_heap_size_used_bytes']) {
    expect(text).toMatch(new RegExp(`^${name} [\\d.e+-]+$`, 'm'));
  }
});

test('no label names an organization, a person, an id or a token', async () => {
  const organization = newOrganization();
  const client = service.client(organization, { sub: 'nameable-actor' });
  const { id } = (await client.post('/contacts', { name: 'Nameable Person', email: 'nameable@example.com' })).body;
  await client.get(`/contacts/${id}`);
  await client.get(`/contacts/department/${organization}`);
  await client.get(`/contacts?search=nameable`);
  await client.get(`/nameable/${id}`);
  await fetch(`${service.origin}/nameable`);
  const webhook = (await client.post('/webhooks', { url: 'https://nameable.invalid/' })).body;
  await client.post(`/webhooks/${webhook.id}/test`);
  await eventually(async () => valuesOf(await scrape(), 'contacts_webhook_tries_total', 'outcome="retried"'), ([tries = 0]) => tries > 0);
  expect(valuesOf(await scrape(), 'contacts_webhook_tries_by_organization_total', `organization="${pseudonymOf(organization)}"`).length).toBeGreaterThan(0);
  const text = (await scrape()).toLowerCase();
  for (const secret of [organization, id, 'nameable', client.token.toLowerCase()]) expect(text).not.toContain(secret);
});

test('every metric that the README names is there', async () => {
  const [, table = ''] = /\n## Watch\n([\s\S]*?)\n## /.exec(readFileSync(new URL('../../README.md', import.meta.url), 'utf8')) ?? [];
  const names = [...table.matchAll(/`((?:http|contacts|nodejs|process)_\w+)`/g)].map(([, name = '']) => name);
  expect(names.length).toBeGreaterThan(6);
  const text = await scrape();
  expect(names.filter((name) => !text.includes(`# HELP ${name} `))).toEqual([]);
});

test('it is served as text for Prometheus, without a token', async () => {
  const response = await fetch(`${service.origin}/metrics`);
  expect([response.status, response.headers.get('Content-Type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
});
