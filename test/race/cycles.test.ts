// No interleaving of concurrent writes leaves a cycle of reporting lines.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createSecretKey, randomUUID } from 'node:crypto';
import { contactAggregate } from '../../src/commands/aggregates.js';
import { CommandHandler } from '../../src/commands/handle.js';
import { reportingStream, contactStream } from '../../src/domain/streams.js';
import { openEmbedded } from '../../src/platform/embedded/index.js';
import { SealedEventStore } from '../../src/platform/sealedEventStore.js';
import { systemClock } from '../../src/ports/clock.js';
import { batchChanges, projections } from '../../src/projections/project.js';
import { temporaryFolder } from '../support/folder.js';
import { ENCRYPTION_KEY, newOrganization, startTestService, type Client, type TestService } from '../support/service.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

async function newContacts(client: Client, count: number): Promise<string[]> {
  const created = await Promise.all(Array.from({ length: count }, (_, index) => client.post('/contacts', { name: `Contact ${index}` })));
  expect(new Set(created.map(({ status }) => status))).toEqual(new Set([201]));
  return created.map(({ body }) => body.id as string);
}

const reportTo = (client: Client, id: string, manager: string) => client.put(`/contacts/${id}`, { metadata: { reportsTo: manager } });

/** Follows the lines up from each contact, by what GET says. */
async function expectNoCycle(client: Client, ids: readonly string[]): Promise<Map<string, string | null>> {
  const contacts = await Promise.all(ids.map((id) => client.get(`/contacts/${id}`)));
  const managers = new Map(contacts.map(({ body }) => [body.id as string, body.metadata.reportsTo as string | null]));
  for (const id of ids) {
    const seen = new Set<string>();
    for (let at: string | null = id; at !== null; at = managers.get(at) ?? null) {
      expect({ id, at, again: seen.has(at) }).toEqual({ id, at, again: false });
      seen.add(at);
    }
  }
  return managers;
}

/** All lines of all rings at the same time; what came of each ring. */
async function closeRings(client: Client, sizes: readonly number[]): Promise<void> {
  const ids = await newContacts(client, sizes.reduce((sum, size) => sum + size, 0));
  const left = [...ids];
  const rings = sizes.map((size) => left.splice(0, size));
  const lines = rings.flatMap((ring, index) => ring.map((id, at) => ({ index, id, manager: ring[(at + 1) % ring.length] as string })));
  lines.sort(() => Math.random() - 0.5);
  const answers = await Promise.all(lines.map(async (line) => ({ ...line, reply: await reportTo(client, line.id, line.manager) })));
  const managers = await expectNoCycle(client, ids);
  for (const { id, manager, reply } of answers) {
    expect([200, 400, 409]).toContain(reply.status);
    expect(managers.get(id)).toBe(reply.status === 200 ? manager : null);
    if (reply.status === 400) {
      expect(reply.body).toMatchObject({ error: 'VALIDATION_ERROR', details: [{ field: 'metadata.reportsTo' }] });
    }
  }
  for (const index of rings.keys()) {
    const ofRing = answers.filter((answer) => answer.index === index).map(({ reply }) => reply.status);
    expect(ofRing.filter((status) => status !== 200).length).toBeGreaterThanOrEqual(1);
    expect(ofRing).toContain(200);
  }
}

test('of hundreds of pairs, each made to report to the other at once, none closes a cycle', async () => {
  const client = service.client();
  for (let batch = 0; batch < 10; batch += 1) await closeRings(client, Array.from({ length: 30 }, () => 2));
});

test('of rings of three to six, closed at once, at least one line of each is refused', async () => {
  const client = service.client();
  for (let batch = 0; batch < 6; batch += 1) await closeRings(client, Array.from({ length: 16 }, (_, index) => 3 + (index % 4)));
});

test('lines drawn at random among few contacts, over and over, never close a cycle', async () => {
  const client = service.client();
  const ids = await newContacts(client, 12);
  const anyOf = () => ids[Math.floor(Math.random() * ids.length)] as string;
  for (let round = 0; round < 12; round += 1) {
    const replies = await Promise.all(Array.from({ length: 40 }, () => reportTo(client, anyOf(), anyOf())));
    expect(replies.filter(({ status }) => ![200, 400, 409].includes(status))).toEqual([]);
    expect(replies.some(({ status }) => status === 200)).toBe(true);
    await expectNoCycle(client, ids);
  }
});

test('rings closed while their members are changed otherwise still close no cycle and lose no change', async () => {
  const client = service.client();
  const ids = await newContacts(client, 60);
  const changes = ids.flatMap((id, index) => {
    const ring = index - (index % 3);
    const manager = ids[ring + ((index + 1) % 3)] as string;
    return [
      reportTo(client, id, manager),
      client.put(`/contacts/${id}`, { notes: 'changed' }),
      client.put(`/contacts/${id}`, { metadata: { title: 'titled' } }),
    ];
  });
  const replies = await Promise.all(changes);
  expect(replies.filter(({ status }) => status >= 500)).toEqual([]);
  await expectNoCycle(client, ids);
  const statuses = replies.filter((_, index) => index % 3 !== 0).map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set([200]));
  for (const id of ids) {
    expect((await client.get(`/contacts/${id}`)).body).toMatchObject({ notes: 'changed', metadata: { title: 'titled' } });
  }
});

/** Leaves claims in the store as a writer does that died before the contacts' own events. */
async function leaveClaims(dataDir: string, organizationId: string, lines: readonly (readonly [string, string])[]): Promise<void> {
  const wrappingKey = createSecretKey(Buffer.from(ENCRYPTION_KEY, 'base64'));
  const platform = await openEmbedded({ dataDir, wrappingKey, projections, changesOf: batchChanges });
  try {
    const events = new SealedEventStore(platform.log, platform.keys, platform.commit);
    const handler = new CommandHandler(events, systemClock, { next: () => randomUUID() });
    const stream = reportingStream(organizationId);
    const pending: { contactId: string; managerId: string; revision: number }[] = [];
    for (const [contactId, managerId] of lines) {
      const { revision } = await handler.load(contactAggregate, contactStream(organizationId, contactId));
      const claim = { contactId, managerId, revision: revision + 1 };
      const last = await events.last(stream);
      const occurredAt = new Date().toISOString();
      const requestId = randomUUID();
      const metadata = { organizationId, actor: { sub: 'dead' }, requestId, correlationId: requestId, causationId: null, occurredAt, schemaVersion: 1 };
      const event = { type: 'ReportingLineClaimed' as const, data: { ...claim, pending: [...pending] }, id: randomUUID(), metadata };
      expect((await events.commit(stream, last?.revision ?? 'none', [event])).outcome).toBe('appended');
      pending.push(claim);
    }
  } finally {
    platform.close();
  }
}

test('the claim of a writer that died does not block the opposite line for more than a moment', async () => {
  const dataDir = temporaryFolder();
  const organization = newOrganization();
  const before = await startTestService({}, dataDir);
  const ids = await newContacts(before.client(organization), 6);
  const [a, b, c, d, e, f] = ids as [string, string, string, string, string, string];
  await before.stop();
  await leaveClaims(dataDir, organization, [[a, b], [c, d], [d, e]]);
  const after = await startTestService({}, dataDir);
  const client = after.client(organization);
  const startedAt = performance.now();
  // What has nothing to do with the claims does not wait at all; e -> c meets two of them.
  expect((await reportTo(client, f, b)).status).toBe(200);
  expect(performance.now() - startedAt).toBeLessThan(900);
  const opposite = await Promise.all([reportTo(client, b, a), reportTo(client, e, c)]);
  expect(opposite.map(({ status }) => status)).toEqual([200, 200]);
  expect(performance.now() - startedAt).toBeLessThan(3_500);
  const managers = await expectNoCycle(client, ids);
  expect(managers.get(a)).toBeNull();
  expect(managers.get(b)).toBe(a);
  expect((await reportTo(client, a, b)).body.details).toMatchObject([{ field: 'metadata.reportsTo' }]);
  await after.stop();
});
