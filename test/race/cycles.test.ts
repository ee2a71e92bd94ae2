// No interleaving of concurrent writes leaves a cycle of reporting lines.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { loadContact } from '../../src/commands/aggregates.js';
import { createContact } from '../../src/commands/createContact.js';
import type { CommandDeps } from '../../src/commands/deps.js';
import { CommandHandler } from '../../src/commands/handle.js';
import { ReportingLines } from '../../src/commands/reportingLines.js';
import { updateContact } from '../../src/commands/updateContact.js';
import type { ReportingClaim } from '../../src/domain/events/reportingEvents.js';
import { reportingStream, contactStream } from '../../src/domain/streams.js';
import type { EventStore } from '../../src/ports/eventStore.js';
import { openCommands, type OpenedCommands } from '../support/commands.js';
import { temporaryFolder } from '../support/folder.js';
import { startTestService, type Client, type TestService } from '../support/service.js';

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

/** Whoever follows the lines up comes to an end. */
function expectTree(managers: ReadonlyMap<string, string | null>): void {
  for (const id of managers.keys()) {
    const seen = new Set<string>();
    for (let at: string | null = id; at !== null; at = managers.get(at) ?? null) {
      expect({ id, at, again: seen.has(at) }).toEqual({ id, at, again: false });
      seen.add(at);
    }
  }
}

/** By what GET says. */
async function expectNoCycle(client: Client, ids: readonly string[]): Promise<Map<string, string | null>> {
  const contacts = await Promise.all(ids.map((id) => client.get(`/contacts/${id}`)));
  const managers = new Map(contacts.map(({ body }) => [body.id as string, body.metadata.reportsTo as string | null]));
  expectTree(managers);
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
  for (let batch = 0; batch < 5; batch += 1) await closeRings(client, Array.from({ length: 30 }, () => 2));
});

test('of rings of three to six, closed at once, at least one line of each is refused', async () => {
  const client = service.client();
  for (let batch = 0; batch < 3; batch += 1) await closeRings(client, Array.from({ length: 16 }, (_, index) => 3 + (index % 4)));
});

test('lines drawn at random among few contacts, over and over, never close a cycle', async () => {
  const client = service.client();
  const ids = await newContacts(client, 12);
  const anyOf = () => ids[Math.floor(Math.random() * ids.length)] as string;
  for (let round = 0; round < 6; round += 1) {
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

/** Appends claims as a writer does that dies before the contacts' own events. */
async function leaveClaims(opened: OpenedCommands, lines: readonly (readonly [string, string])[]): Promise<void> {
  const { events, organizationId, commands } = opened;
  const stream = reportingStream(organizationId);
  const pending: ReportingClaim[] = [];
  for (const [contactId, managerId] of lines) {
    const { revision } = await loadContact(commands.handler, organizationId, contactId);
    const claim = { contactId, managerId, revision: revision + 1 };
    const last = await events.last(stream);
    const metadata = { ...opened.context(), occurredAt: new Date().toISOString(), schemaVersion: 1 };
    const event = { type: 'ReportingLineClaimed' as const, data: { ...claim, pending: [...pending] }, id: randomUUID(), metadata };
    expect((await events.commit(stream, last?.revision ?? 'none', [event])).outcome).toBe('appended');
    pending.push(claim);
  }
}

/** Contacts made by commands alone. */
async function makeContacts({ commands, context }: OpenedCommands, count: number): Promise<string[]> {
  const made = await Promise.all(Array.from({ length: count }, () => createContact(commands, context(), { name: 'Contact' })));
  return made.map((outcome) => (outcome.done && outcome.state.phase === 'live' ? outcome.state.contact.id : ''));
}

/** Whether the line was drawn, by the command side given. */
async function draw({ context }: OpenedCommands, commands: CommandDeps, id: string, reportsTo: string): Promise<boolean> {
  const outcome = await updateContact(commands, context(), { id, patch: { metadata: { reportsTo } } });
  if (!outcome.done) expect(outcome.refusal.code).toMatch(/^(INVALID|CONFLICT)$/);
  return outcome.done;
}

/** The managers by the contacts' own streams; none is met twice on the way up. */
async function managersOf({ another, organizationId }: OpenedCommands, ids: readonly string[]): Promise<Map<string, string | null>> {
  const { handler } = another();
  const states = await Promise.all(ids.map(async (id) => [id, (await loadContact(handler, organizationId, id)).state] as const));
  const managers = new Map(states.map(([id, state]) => [id, state.phase === 'live' ? state.contact.metadata.reportsTo : null]));
  expectTree(managers);
  return managers;
}

/** How many events that only fence a claim the contact has. */
async function fencesOf({ events, organizationId }: OpenedCommands, id: string): Promise<number> {
  let fences = 0;
  for await (const batch of events.read(contactStream(organizationId, id), 0)) {
    fences += batch.filter(({ type }) => type === 'ReportingLineFenced').length;
  }
  return fences;
}

describe('two processes on one log', () => {
  let opened: OpenedCommands;
  beforeEach(async () => {
    opened = await openCommands();
  });
  afterEach(() => opened.close());

  test('of hundreds of pairs, each half drawn by another process at once, exactly one line of each stands', async () => {
    const [one, other] = [opened.another(), opened.another()];
    for (let batch = 0; batch < 4; batch += 1) {
      const ids = await makeContacts(opened, 100);
      const pairs = Array.from({ length: 50 }, (_, index) => [ids[2 * index], ids[2 * index + 1]] as [string, string]);
      const drawn = await Promise.all(pairs.map(([a, b]) => Promise.all([draw(opened, one, a, b), draw(opened, other, b, a)])));
      const managers = await managersOf(opened, ids);
      pairs.forEach(([a, b], index) => {
        expect(drawn[index]).toEqual([managers.get(a) === b, managers.get(b) === a]);
        expect(drawn[index]?.filter((stands) => stands)).toHaveLength(1);
      });
    }
  });

  test('lines drawn at random among few contacts by three processes never close a cycle', async () => {
    const sides = [opened.another(), opened.another(), opened.another()];
    const ids = await makeContacts(opened, 6);
    const anyOf = <Item>(items: readonly Item[]) => items[Math.floor(Math.random() * items.length)] as Item;
    let drawn = 0;
    for (let round = 0; round < 8; round += 1) {
      const done = await Promise.all(Array.from({ length: 18 }, () => draw(opened, anyOf(sides), anyOf(ids), anyOf(ids))));
      drawn += done.filter((stands) => stands).length;
      await managersOf(opened, ids);
    }
    expect(drawn).toBeGreaterThan(8);
  });

  test('a claim whose writer died is fenced by whoever meets it, and by nobody else', async () => {
    const ids = await makeContacts(opened, 7);
    const [a, b, c, d, e, f, g] = ids as [string, string, string, string, string, string, string];
    await leaveClaims(opened, [[a, b], [c, d], [d, e], [g, a]]);
    const [one, other] = [opened.another(), opened.another()];
    // f -> b meets no claim; b -> a meets one, and e -> c two.
    expect(await draw(opened, one, f, b)).toBe(true);
    expect(await Promise.all(ids.map((id) => fencesOf(opened, id)))).toEqual([0, 0, 0, 0, 0, 0, 0]);
    expect(await Promise.all([draw(opened, one, b, a), draw(opened, other, e, c)])).toEqual([true, true]);
    const managers = await managersOf(opened, ids);
    expect(ids.map((id) => managers.get(id))).toEqual([null, a, null, null, c, b, null]);
    expect(await fencesOf(opened, a)).toBe(1);
    expect((await fencesOf(opened, c)) + (await fencesOf(opened, d))).toBeGreaterThan(0);
    expect(await fencesOf(opened, g)).toBe(0);
    expect(await draw(opened, other, a, b)).toBe(false);
  });

  test('a writer whose claim was fenced meanwhile looks again, and closes no cycle', async () => {
    const [a, b] = (await makeContacts(opened, 2)) as [string, string];
    const [slow, quick] = [opened.another(), opened.another()];
    const { events } = opened;
    const stream = contactStream(opened.organizationId, a);
    // The slow one stands still between its claim and its event, until the quick one has drawn the opposite line.
    let drawnOpposite: Promise<boolean> | undefined;
    const pausing: EventStore = {
      commit: async (to, expected, decided) => {
        if (to === stream && drawnOpposite === undefined) await (drawnOpposite = draw(opened, quick, b, a));
        return events.commit(to, expected, decided);
      },
      commitMany: (appends) => events.commitMany(appends),
      read: (...asked) => events.read(...asked),
      endAfter: (...asked) => events.endAfter(...asked),
      last: (asked) => events.last(asked),
      open: (stored) => events.open(stored),
      openWritten: (stored) => events.open(stored),
      subscribe: (...asked) => events.subscribe(...asked),
    };
    const handler = new CommandHandler(pausing, slow.handler.clock, slow.handler.ids);
    expect(await draw(opened, { ...slow, handler, lines: new ReportingLines(handler) }, a, b)).toBe(false);
    expect(await drawnOpposite).toBe(true);
    const managers = await managersOf(opened, [a, b]);
    expect([managers.get(a), managers.get(b)]).toEqual([null, a]);
    expect(await fencesOf(opened, a)).toBe(1);
  });
});

test('the claim of a writer that died before a restart does not block the opposite line', async () => {
  const dataDir = temporaryFolder();
  const opened = await openCommands({ dataDir });
  const [a, b] = (await makeContacts(opened, 2)) as [string, string];
  await leaveClaims(opened, [[a, b]]);
  await opened.close();
  const after = await startTestService({}, dataDir);
  const client = after.client(opened.organizationId);
  expect((await reportTo(client, b, a)).status).toBe(200);
  expect((await reportTo(client, a, b)).body.details).toMatchObject([{ field: 'metadata.reportsTo' }]);
  await after.stop();
});
