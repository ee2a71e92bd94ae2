// ETag, If-None-Match and If-Match on every single resource.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newOrganization, startTestService, type Client, type TestService } from '../support/service.js';
import { expectError } from './errorShape.js';

let service: TestService;
let client: Client;
const organization = newOrganization();
beforeAll(async () => {
  service = await startTestService();
  client = service.client(organization);
});
afterAll(() => service.stop());

const tagOf = ({ headers }: { headers: Headers }) => headers.get('ETag') ?? '';

describe.each(['contacts', 'companies'])('%s', (kind) => {
  const create = async () => {
    const reply = await client.post(`/${kind}`, { name: 'x' });
    return { path: `/${kind}/${reply.body.id}`, tag: tagOf(reply) };
  };

  test('has the same strong ETag until it changes, whoever asks', async () => {
    const { path, tag } = await create();
    expect(tag).toMatch(/^"[!#-~]+"$/);
    expect(tagOf(await client.get(path))).toBe(tag);
    expect(tagOf(await client.send('HEAD', path))).toBe(tag);
    expect(tagOf(await service.client(organization, { sub: 'another', expires: '2h' }).get(path))).toBe(tag);
    const changed = tagOf(await client.put(path, { name: 'y' }));
    expect(changed).not.toBe(tag);
    expect(tagOf(await client.get(path))).toBe(changed);
  });

  test('If-None-Match that names it: 304 with the ETag and no body', async () => {
    const { path, tag } = await create();
    for (const sent of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
      const reply = await client.get(path, { 'If-None-Match': sent });
      expect(reply).toMatchObject({ status: 304, text: '' });
      expect(tagOf(reply)).toBe(tag);
      expect(reply.headers.get('X-Request-Id')).toMatch(/\S/);
    }
    expect((await client.send('HEAD', path, undefined, { 'If-None-Match': tag })).status).toBe(304);
    for (const sent of ['"other"', tag.slice(1, -1), 'nonsense']) expect((await client.get(path, { 'If-None-Match': sent })).status).toBe(200);
    await client.put(path, { name: 'y' });
    expect((await client.get(path, { 'If-None-Match': tag })).status).toBe(200);
  });

  test.each(['PUT', 'PATCH', 'DELETE'])('%s with an If-Match that does not name it: 412 and no change', async (method) => {
    const { path, tag } = await create();
    await client.put(path, { name: 'y' });
    const body = method === 'DELETE' ? undefined : { name: 'z' };
    for (const stale of [tag, '"other"', 'nonsense', '', `"x", ${tag}`]) {
      expectError(await client.send(method, path, body, { 'If-Match': stale }), 412, 'PRECONDITION_FAILED', []);
    }
    const now = await client.get(path);
    expect(now.body.name).toBe('y');
    const reply = await client.send(method, path, body, { 'If-Match': `"other", ${tagOf(now)}` });
    expect(reply.status).toBe(method === 'DELETE' ? 204 : 200);
  });

  test('If-Match *: whatever it is, but it must be', async () => {
    const { path } = await create();
    expect((await client.put(path, { name: 'y' }, { 'If-Match': '*' })).status).toBe(200);
    expect((await client.delete(path, { 'If-Match': '*' })).status).toBe(204);
    expect((await client.put(path, { name: 'z' }, { 'If-Match': '*' })).status).toBe(404);
  });

  test.each(['PUT', 'PATCH', 'DELETE'])('%s with an If-None-Match that names it: 412 and no change; one that does not stands in nobody’s way', async (method) => {
    const { path, tag } = await create();
    const body = method === 'DELETE' ? undefined : { name: 'z' };
    for (const held of ['*', tag, `W/${tag}`, `"other", ${tag}`]) {
      expectError(await client.send(method, path, body, { 'If-None-Match': held }), 412, 'PRECONDITION_FAILED', []);
    }
    expectError(await client.send(method, path, body, { 'If-Match': tag, 'If-None-Match': '*' }), 412, 'PRECONDITION_FAILED', []);
    expect((await client.get(path)).body.name).toBe('x');
    const reply = await client.send(method, path, body, { 'If-None-Match': '"other"' });
    expect(reply.status).toBe(method === 'DELETE' ? 204 : 200);
    expect((await client.send(method, `/${kind}/none`, body, { 'If-None-Match': '*' })).status).toBe(404);
  });

  test('a change that changes nothing still insists on its condition', async () => {
    const { path, tag } = await create();
    await client.put(path, { name: 'y' });
    expect((await client.put(path, {}, { 'If-Match': tag })).status).toBe(412);
  });

  test('of many who change it at once with the same ETag, one does', async () => {
    const { path, tag } = await create();
    const replies = await Promise.all(Array.from({ length: 20 }, (_, index) => client.put(path, { name: `n${index}` }, { 'If-Match': tag })));
    expect(replies.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 19 }, () => 412)]);
    const won = replies.find(({ status }) => status === 200);
    expect((await client.get(path)).body).toEqual(won?.body);
  });
});

test('on set-primary the ETag and the condition are the company’s', async () => {
  const company = await client.post('/companies', { name: 'Acme' });
  const contact = await client.post('/contacts', { name: 'x', parentEntityId: company.body.id });
  await client.put(`/contacts/${contact.body.id}`, { name: 'renamed' });
  const path = `/contacts/${contact.body.id}/set-primary/${company.body.id}`;
  await client.put(`/companies/${company.body.id}`, { name: 'Acme Inc' });
  expectError(await client.post(path, undefined, { 'If-Match': tagOf(company) }), 412, 'PRECONDITION_FAILED', []);
  expect((await client.get(`/companies/${company.body.id}`)).body.primaryContactId).toBeNull();
  const current = tagOf(await client.get(`/companies/${company.body.id}`));
  const set = await client.post(path, undefined, { 'If-Match': current });
  expect(set.status).toBe(200);
  expect(tagOf(set)).not.toBe(current);
  expect((await client.put(`/companies/${company.body.id}`, { name: 'Acme' }, { 'If-Match': tagOf(set) })).status).toBe(200);
});

test('a deleted manager changes the ETag of who reported to it', async () => {
  const boss = (await client.post('/contacts', { name: 'boss' })).body;
  const report = await client.post('/contacts', { name: 'x', metadata: { reportsTo: boss.id } });
  await client.delete(`/contacts/${boss.id}`);
  const reply = await client.get(`/contacts/${report.body.id}`, { 'If-None-Match': tagOf(report) });
  expect(reply.status).toBe(200);
  expect(reply.body.metadata.reportsTo).toBeNull();
});
