// Idempotency-Key on every POST: carried out once, answered alike, across restarts and crashes.

import { createHash, createSecretKey, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openEmbedded } from '../../src/platform/embedded/index.js';
import type { IdempotencyStore, ReservedIds } from '../../src/ports/idempotencyStore.js';
import { batchChanges, projections } from '../../src/projections/project.js';
import { temporaryFolder } from '../support/folder.js';
import { ENCRYPTION_KEY, startTestService, type Reply, type TestService } from '../support/service.js';
import { expectError, expectInvalid } from './errorShape.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

const keyed = (key: string = randomUUID()) => ({ 'Idempotency-Key': key });

/** What a client sees of an answer, but for what is of this request alone. */
const seen = ({ status, text, headers }: Reply) => ({ status, text, ETag: headers.get('ETag'), Location: headers.get('Location'), type: headers.get('Content-Type') });

const isReplay = ({ headers }: Reply) => headers.get('Idempotency-Replayed') === 'true';

describe.each(['/contacts', '/companies'])('POST %s', (path) => {
  test('sent again is carried out once and answered alike', async () => {
    const client = service.client();
    const headers = keyed();
    const first = await client.post(path, { name: 'Ada' }, headers);
    expect(first.status).toBe(201);
    expect(isReplay(first)).toBe(false);
    await client.put(`${path}/${first.body.id}`, { name: 'Changed since' });
    for (let again = 0; again < 3; again += 1) {
      const replayed = await client.post(path, { name: 'Ada' }, headers);
      expect(seen(replayed)).toEqual(seen(first));
      expect(isReplay(replayed)).toBe(true);
      expect(replayed.headers.get('X-Request-Id')).not.toBe(first.headers.get('X-Request-Id'));
    }
    expect((await client.get(path)).body).toMatchObject({ total: 1, data: [{ name: 'Changed since' }] });
  });

  test('with another body is 422, and carries nothing out', async () => {
    const client = service.client();
    const headers = keyed();
    await client.post(path, { name: 'Ada' }, headers);
    expectError(await client.post(path, { name: 'Eve' }, headers), 422, 'IDEMPOTENCY_KEY_REUSED', []);
    const otherPath = path === '/contacts' ? '/companies' : '/contacts';
    expectError(await client.post(otherPath, { name: 'Ada' }, headers), 422, 'IDEMPOTENCY_KEY_REUSED', []);
    expect((await client.get(path)).body.total).toBe(1);
    expect((await client.get(otherPath)).body.total).toBe(0);
  });

  test('refused is tried afresh', async () => {
    const client = service.client();
    const headers = keyed();
    expectInvalid(await client.post(path, { name: '' }, headers), 'name');
    expectInvalid(await client.post(path, { name: 'Ada', status: 'active', isActive: false }, headers), 'isActive');
    const made = await client.post(path, { name: 'Ada' }, headers);
    expect(made.status).toBe(201);
    expect(isReplay(made)).toBe(false);
  });

  test('sent many times at once makes one', async () => {
    const client = service.client();
    const headers = keyed();
    const replies = await Promise.all(Array.from({ length: 20 }, () => client.post(path, { name: 'Ada' }, headers)));
    const made = replies.filter(({ status }) => status === 201);
    expect(new Set(made.map(({ body }) => body.id)).size).toBe(1);
    expect(made.filter((reply) => !isReplay(reply))).toHaveLength(1);
    for (const reply of replies.filter(({ status }) => status !== 201)) {
      expectError(reply, 409, 'CONFLICT', []);
      expect(reply.headers.get('Retry-After')).toMatch(/^\d+$/);
    }
    expect((await client.get(path)).body.total).toBe(1);
  });

  test('sent again after a restart is answered from what was stored', async () => {
    const first = await startTestService();
    const organization = 'org_restarted';
    const headers = keyed();
    const made = await first.client(organization).post(path, { name: 'Ada' }, headers);
    await first.stop();
    const second = await startTestService({}, first.dataDir);
    const replayed = await second.client(organization).post(path, { name: 'Ada' }, headers);
    expect(seen(replayed)).toEqual(seen(made));
    expect(isReplay(replayed)).toBe(true);
    expect((await second.client(organization).get(path)).body.total).toBe(1);
    await second.stop();
  });
});

test.each([
  ['spaces', 'a b'],
  ['too many characters', 'k'.repeat(256)],
  ['other letters', 'é'],
])('a key with %s is refused', async (_, key) => {
  const client = service.client();
  expectInvalid(await client.post('/contacts', { name: 'x' }, keyed(key)), 'Idempotency-Key');
  expect((await client.get('/contacts')).body.total).toBe(0);
  expect((await client.post('/contacts', { name: 'x' }, keyed('k'.repeat(255)))).status).toBe(201);
});

test('set-primary is carried out once, though another became primary since', async () => {
  const client = service.client();
  const company = (await client.post('/companies', { name: 'Acme' })).body;
  const make = async (name: string) => (await client.post('/contacts', { name, parentEntityId: company.id })).body.id as string;
  const [first, second] = [await make('first'), await make('second')];
  const headers = keyed();
  const set = await client.post(`/contacts/${first}/set-primary/${company.id}`, undefined, headers);
  await client.post(`/contacts/${second}/set-primary/${company.id}`);
  const replayed = await client.post(`/contacts/${first}/set-primary/${company.id}`, undefined, headers);
  expect(seen(replayed)).toEqual(seen(set));
  expect(isReplay(replayed)).toBe(true);
  expect((await client.get(`/companies/${company.id}`)).body.primaryContactId).toBe(second);
  expectError(await client.post(`/contacts/${second}/set-primary/${company.id}`, undefined, headers), 422, 'IDEMPOTENCY_KEY_REUSED', []);
});

describe('a request whose process died', () => {
  const organizationId = 'org_crashed';
  const body = JSON.stringify({ name: 'Ada' });
  const requestFor = (path: string, key: string, raw = body) => ({
    organizationId,
    key,
    fingerprint: createHash('sha256').update(`POST /api/v1${path}\n`).update(raw).digest('hex'),
  });

  /** Works on the idempotency records in a folder that no service uses. */
  async function withRecords(dataDir: string, use: (store: IdempotencyStore) => Promise<unknown>): Promise<void> {
    const platform = await openEmbedded({ dataDir, wrappingKeys: [createSecretKey(Buffer.from(ENCRYPTION_KEY, 'base64'))], projections, changesOf: batchChanges });
    await use(platform.idempotency);
    await platform.close();
  }

  const longAgo = () => new Date(Date.now() - 31_000);

  test.each(['/contacts', '/companies'])('POST %s: 409 while it may still run, then taken over, and never done twice', async (path) => {
    const dataDir = temporaryFolder();
    const ids: ReservedIds = { aggregateId: randomUUID(), eventId: randomUUID() };
    await withRecords(dataDir, async (store) => {
      await store.reserve(requestFor(path, 'running'), { aggregateId: randomUUID(), eventId: randomUUID() }, new Date());
      await store.reserve(requestFor(path, 'abandoned'), ids, longAgo());
    });
    const first = await startTestService({}, dataDir);
    const client = first.client(organizationId);
    expectError(await client.post(path, body, keyed('running')), 409, 'CONFLICT', []);
    const taken = await client.post(path, body, keyed('abandoned'));
    expect(taken).toMatchObject({ status: 201, body: { id: ids.aggregateId, name: 'Ada' } });
    await client.put(`${path}/${ids.aggregateId}`, { name: 'Changed since' });
    await first.stop();
    // As if the process had died after its append and before its answer was kept.
    await withRecords(dataDir, (store) => store.reserve(requestFor(path, 'appended'), ids, longAgo()));
    const second = await startTestService({}, dataDir);
    const again = await second.client(organizationId).post(path, body, keyed('appended'));
    expect(seen(again)).toEqual(seen(taken));
    expect((await second.client(organizationId).get(path)).body).toMatchObject({ total: 1, data: [{ name: 'Changed since' }] });
    await second.stop();
  });
});
