// From the embedded store to EventStoreDB: by the command as an operator runs it, and where it can go wrong.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { migrate, type Migration } from '../../src/operations/migrate.js';
import { OperationError, type Report } from '../../src/operations/operation.js';
import { EventStoreDbLog } from '../../src/platform/servers/eventStoreDbLog.js';
import { companyStream, contactStream } from '../../src/domain/streams.js';
import type { EventLog } from '../../src/ports/eventLog.js';
import { openPlatform } from '../contract/embedded.js';
import { storedEvent, storedEvents } from '../contract/samples.js';
import { EventStoreDouble } from '../support/eventStoreDouble/index.js';
import { temporaryFolder } from '../support/folder.js';
import { binary, ENCRYPTION_KEY, newOrganization, startTestService } from '../support/service.js';

let double: EventStoreDouble;
let target: EventStoreDbLog;
beforeEach(async () => {
  double = await EventStoreDouble.start();
  target = new EventStoreDbLog({ url: double.url });
});
afterEach(async () => {
  await target.close();
  await double.stop();
});

const withoutPositions = async (log: EventLog) => (await log.readAll(null, 10_000)).events.map(({ position: _, ...event }) => event);

async function contacts(args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const env = { PATH: process.env.PATH ?? '', ENCRYPTION_KEY };
    return { code: 0, ...(await promisify(execFile)(process.execPath, [binary, ...args], { env })) };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}

describe('contacts migrate', () => {
  let dataDir: string;
  const organization = newOrganization();
  beforeAll(async () => {
    const service = await startTestService();
    ({ dataDir } = service);
    const client = service.client(organization);
    const [ada, bob] = [await client.post('/contacts', { name: 'Ada', email: 'ada@example.com' }), await client.post('/contacts', { name: 'Bob' })];
    await client.put(`/contacts/${bob.body.id}`, { metadata: { reportsTo: ada.body.id }, status: 'inactive' });
    await client.post('/companies', { name: 'Engines', entityTypes: ['Company'] });
    await client.delete(`/contacts/${ada.body.id}`);
    await service.stop();
  });

  test('copies a store that the service wrote, and says that all is there when called again', async () => {
    const first = await contacts(['migrate', '--from', dataDir, '--to', double.url]);
    expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(/^(\d+) events in \d+ streams are there as they were, \1 copied now\nkeys stay in /) });
    const platform = await openPlatform(dataDir);
    expect(await withoutPositions(target)).toEqual(await withoutPositions(platform.log));
    await platform.close();
    const again = await contacts(['migrate', '--from', dataDir, '--to', double.url]);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining(' 0 copied now') });
  });

  test('leaves a folder and a server on which the service goes on, with all that there was', async () => {
    expect(await contacts(['migrate', '--from', dataDir, '--to', double.url])).toMatchObject({ code: 0 });
    const service = await startTestService({ EVENTSTORE_URL: double.url }, dataDir);
    const client = service.client(organization);
    const { body } = await client.get('/contacts');
    expect(body.data.map(({ name }: { name: string }) => name)).toEqual(['Bob']);
    expect(await client.put(`/contacts/${body.data[0].id}`, { email: 'bob@example.com' })).toMatchObject({ status: 200 });
    expect(await client.post('/contacts', { name: 'Eve' })).toMatchObject({ status: 201 });
    expect((await client.get('/contacts')).body.total).toBe(2);
    // What another copy of the service appends is followed, too.
    const [bob] = body.data;
    const last = await target.last(contactStream(organization, bob.id));
    if (last === null) throw new Error('the contact has no event');
    const deleted = { ...storedEvent({ contactId: bob.id }), metadata: last.metadata };
    expect(await target.append(last.stream, last.revision, [deleted])).toMatchObject({ outcome: 'appended' });
    while ((await client.get(`/contacts/${bob.id}`)).status !== 404) await sleep(50);
    await service.stop();
  });

  test('makes nothing where there is no store, and says what is wrong', async () => {
    const nowhere = join(temporaryFolder(), 'nothing');
    const answer = await contacts(['migrate', '--from', nowhere, '--to', double.url]);
    expect(answer).toMatchObject({ code: 1, stderr: expect.stringContaining('no embedded store') });
    expect(existsSync(nowhere)).toBe(false);
    expect(await contacts(['migrate', '--from', dataDir])).toMatchObject({ code: 2, stderr: expect.stringContaining('--to is missing') });
    expect(await contacts(['migrate', '--from', dataDir, '--to', 'http://x'])).toMatchObject({ code: 1, stderr: expect.stringContaining('esdb://') });
  });
});

describe('a migration', () => {
  let source: Awaited<ReturnType<typeof openPlatform>>;
  let others: Awaited<ReturnType<typeof openPlatform>>;
  beforeAll(async () => {
    [source, others] = [await openPlatform(), await openPlatform()];
    for (let n = 0; n < 40; n += 1) {
      const stream = n % 3 === 0 ? companyStream('acme', `c${n}`) : contactStream('ac-me', `p${n}`);
      await source.log.append(stream, 'none', storedEvents(1 + (n % 4)));
    }
    await source.log.append(contactStream('ac-me', 'p1'), 1, storedEvents(250));
  });
  afterAll(async () => {
    await source.close();
    await others.close();
  });

  const run = (options: Partial<Migration> = {}) =>
    migrate({ from: source, to: { log: target, keys: null }, report: () => undefined, signal: new AbortController().signal, ...options });

  test('keeps order, ids, revisions, data and metadata', async () => {
    const wanted = await withoutPositions(source.log);
    expect(await run()).toEqual({ events: wanted.length, copied: wanted.length, streams: 40, keys: 0, more: 0 });
    expect(await withoutPositions(target)).toEqual(wanted);
  });

  test.each([1, 57, 200])('interrupted at event %i goes on where it was', async (at) => {
    const stop = new AbortController();
    const report: Report = ({ unit, done }) => unit === 'events copied' && done === at && stop.abort(new OperationError('interrupted'));
    await expect(run({ report, signal: stop.signal })).rejects.toThrow('interrupted');
    const before = (await withoutPositions(target)).length;
    const { events, copied } = await run();
    expect(copied).toBe(events - before);
    expect(await withoutPositions(target)).toEqual(await withoutPositions(source.log));
  });

  test('loses nothing when the server comes and goes meanwhile', async () => {
    const report: Report = ({ done }) => done % 50 === 0 && double.connections.cut();
    await run({ report });
    expect(await withoutPositions(target)).toEqual(await withoutPositions(source.log));
  });

  test('gives the target the keys, and the destruction of those destroyed', async () => {
    const [ada, bob] = ['p1', 'p2'].map((id) => ({ organizationId: 'ac-me', id })) as [{ organizationId: string; id: string }, { organizationId: string; id: string }];
    const key = await source.keys.obtain(ada);
    await source.keys.obtain(bob);
    await source.keys.destroy(bob);
    expect(await run({ to: { log: target, keys: others.keys } })).toMatchObject({ keys: 1 });
    const [first, second] = await others.keys.find([ada, bob]);
    expect(first?.state === 'usable' && first.key.equals(key)).toBe(true);
    expect(second).toEqual({ state: 'destroyed' });
  });

  test('refuses a target that holds something else, and appends nothing to it', async () => {
    await target.append(contactStream('acme', 'other'), 'none', storedEvents(1));
    await expect(run()).rejects.toThrow(OperationError);
    expect(await withoutPositions(target)).toHaveLength(1);
  });

  test('finds an event that differs in what it holds', async () => {
    await run();
    const [first] = await withoutPositions(source.log);
    const stored = double.log.stream(first?.stream ?? '');
    if (typeof stored === 'string') throw new Error(stored);
    (stored[0] as { data: Uint8Array }).data = Buffer.from('{"n":"changed"}');
    await expect(run()).rejects.toThrow(/differ/);
  });

  test('says how much was written to the target since', async () => {
    await run();
    await target.append(contactStream('acme', 'newer'), 'none', storedEvents(3));
    expect(await run()).toMatchObject({ copied: 0, more: 3 });
  });
});
