// `contacts backup` and `contacts restore`: whole, of one moment, and never half.

import { beforeAll, expect, test } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import Sqlite from 'libsql';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readSettings } from '../../src/config.js';
import { openHost } from '../../src/host.js';
import { expectIndexesAgree, expectNothingLost, listAll, newWriter, write, type Writer } from '../crash/load.js';
import { runCommand } from '../support/command.js';
import { temporaryFolder } from '../support/folder.js';
import { binary, startServiceProcess, startTestService, testEnvironment } from '../support/service.js';

/** Every file under a folder, with its content. */
function contentOf(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(folder, name)).isFile());
  return Object.fromEntries(names.sort().map((name) => [name, readFileSync(join(folder, name)).toString('base64')]));
}

/** What must be there of a writer's contacts when a copy began at `before`, and nothing is known of when it ended by `after`. */
function between(before: Writer, after: Writer): Writer {
  const contacts = before.contacts.map((known) => {
    const later = after.contacts.find(({ id }) => id === known.id) ?? known;
    const deletion = known.deletion === 'none' && later.deletion !== 'none' ? 'attempted' : known.deletion;
    return { ...known, attempted: later.attempted, deletion } as const;
  });
  return { ...before, contacts };
}

test('a backup taken under load holds every write acknowledged before it began, and all reads agree', async () => {
  const service = await startServiceProcess();
  const client = service.client('acme');
  const writers = await Promise.all(Array.from({ length: 8 }, () => newWriter(client)));
  let stopped = false;
  const writing = writers.map((writer) => write(client, writer, () => stopped));
  await sleep(800);
  const before = structuredClone(writers);
  const folder = join(temporaryFolder(), 'backup');
  const backup = await runCommand(service.dataDir, ['backup', folder]);
  expect(backup).toMatchObject({ code: 0, out: expect.stringMatching(/^backed up [\d,]+ events to /) });
  const acknowledgedDuring = writers.reduce((sum, { contacts }) => sum + contacts.length, 0) - before.reduce((sum, { contacts }) => sum + contacts.length, 0);
  expect(acknowledgedDuring).toBeGreaterThan(0);
  stopped = true;
  expect((await Promise.all(writing)).flatMap(({ refused }) => refused)).toEqual([]);
  await service.stop();
  expect(readdirSync(folder).sort()).toEqual(['events', 'keys']);
  const dataDir = join(temporaryFolder(), 'restored');
  expect(await runCommand(dataDir, ['restore', folder])).toMatchObject({ code: 0, out: expect.stringMatching(/^restored [\d,]+ events/) });
  expect(await runCommand(dataDir, ['verify'])).toMatchObject({ code: 0 });
  const restored = await startTestService({}, dataDir);
  const again = restored.client('acme');
  const all = await listAll(again);
  expectNothingLost(all, before.map((writer, index) => between(writer, writers[index] as Writer)));
  await expectIndexesAgree(again, all, writers.map(({ company }) => company));
  expect((await again.post('/contacts', { name: 'Afterwards' })).status).toBe(201);
  await restored.stop();
}, 90_000);

const backups = join(temporaryFolder(), 'backups');
const dataDir = join(temporaryFolder(), 'data');
const [first, second] = [join(backups, 'first'), join(backups, 'second')];

beforeAll(async () => {
  mkdirSync(backups);
  await runCommand(dataDir, ['seed', '--org', 'acme', '--contacts', '3000']);
  expect(await runCommand(dataDir, ['backup', first])).toMatchObject({ code: 0 });
  await runCommand(dataDir, ['seed', '--org', 'acme', '--contacts', '1', '--seed', '2']);
  const host = await openHost(readSettings({ ...testEnvironment, DATA_DIR: dataDir }));
  await host.platform.keys.destroy({ organizationId: 'acme', id: await someContact(host) });
  await host.platform.close();
  expect(await runCommand(dataDir, ['backup', second])).toMatchObject({ code: 0 });
}, 60_000);

let erased = '';

async function someContact({ platform }: Awaited<ReturnType<typeof openHost>>): Promise<string> {
  const { events } = await platform.log.readAll(null, 1);
  erased = String(events[0]?.data.contactId);
  return erased;
}

test('personal data lies in the backup encrypted, its keys apart and for their owner only', () => {
  const events = readFileSync(join(first, 'events', 'contacts.sqlite')).toString('latin1');
  // The department of every company's head stands in its contact's events alone.
  expect([events.includes(erased), events.includes('Executive')]).toEqual([true, false]);
  for (const folder of [first, join(first, 'events'), join(first, 'keys')]) expect(statSync(folder).mode & 0o077).toBe(0);
  expect(readdirSync(join(first, 'events')).sort()).toEqual(['contacts.sqlite', 'manifest.json']);
  expect(readdirSync(join(first, 'keys')).sort()).toEqual(['keys.sqlite', 'manifest.json']);
});

test('of a contact that changed, too, nothing lies in the clear, and no other organization finds it when restored', async () => {
  const [from, folder, to] = [join(temporaryFolder(), 'data'), join(temporaryFolder(), 'backup'), join(temporaryFolder(), 'restored')];
  const service = await startTestService({}, from);
  for (const organization of ['acme', 'bolt']) {
    const { body } = await service.client(organization).post('/contacts', { name: `Unmistakable ${organization}` });
    await service.client(organization).put(`/contacts/${body.id}`, { name: `Renamed ${organization}` });
  }
  await service.stop();
  expect(await runCommand(from, ['backup', folder])).toMatchObject({ code: 0 });
  const copied = readFileSync(join(folder, 'events', 'contacts.sqlite')).toString('latin1');
  expect([copied.includes('Unmistakable'), copied.includes('Renamed')]).toEqual([false, false]);
  expect(await runCommand(to, ['restore', folder])).toMatchObject({ code: 0 });
  const restored = await startTestService({}, to);
  for (const organization of ['bolt', 'acme']) {
    const { data } = (await restored.client(organization).get('/audit')).body;
    expect(data.map(({ type }: { type: string }) => type)).toEqual(['ContactUpdated', 'ContactCreated']);
    expect(JSON.stringify(data)).not.toContain(organization === 'acme' ? 'bolt' : 'acme');
  }
  await restored.stop();
  expect(await runCommand(to, ['verify'])).toMatchObject({ code: 0 });
});

test('holds the tables of events and of state, and no other', () => {
  const file = new Sqlite(join(first, 'events', 'contacts.sqlite'));
  const tables = file.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all([]) as { name: string }[];
  file.close();
  const ofWebhooks = ['webhook_deliveries', 'webhook_endpoints', 'webhook_payloads', 'webhook_replays', 'webhook_secrets'];
  expect(tables.map(({ name }) => name)).toEqual(['chain_links', 'chains', 'checkpoints', 'events', 'idempotency', 'rate_limits', 'scrubs', ...ofWebhooks]);
});

test('answers kept for idempotency keys lie in no backup, and a request sent again after a restore makes nothing twice', async () => {
  const service = await startTestService();
  const client = service.client('acme');
  const created = await client.post('/contacts', { name: 'Zenobia', notes: 'Palmyrene' }, { 'Idempotency-Key': 'once' });
  const folder = join(temporaryFolder(), 'backup');
  expect(await runCommand(service.dataDir, ['backup', folder])).toMatchObject({ code: 0 });
  await service.stop();
  const events = readFileSync(join(folder, 'events', 'contacts.sqlite')).toString('latin1');
  expect(['Zenobia', 'Palmyrene'].filter((text) => events.includes(text))).toEqual([]);
  const dataDir = join(temporaryFolder(), 'restored');
  expect(await runCommand(dataDir, ['restore', folder])).toMatchObject({ code: 0 });
  const restored = await startTestService({}, dataDir);
  const again = await restored.client('acme').post('/contacts', { name: 'Zenobia', notes: 'Palmyrene' }, { 'Idempotency-Key': 'once' });
  expect([again.status, again.body.id]).toEqual([201, created.body.id]);
  expect((await restored.client('acme').get('/contacts')).body.total).toBe(1);
  await restored.stop();
});

test('with the keys of a later backup, what was erased since stays erased', async () => {
  const [names, changes] = [[] as unknown[], [] as number[]];
  for (const keys of [join(first, 'keys'), join(second, 'keys')]) {
    const restoredTo = join(temporaryFolder(), 'restored');
    expect(await runCommand(restoredTo, ['restore', first, '--keys', keys])).toMatchObject({ code: 0 });
    const service = await startTestService({}, restoredTo);
    const client = service.client('acme');
    names.push((await client.get(`/contacts/${erased}`)).body.name);
    changes.push((await client.put(`/contacts/${erased}`, { name: 'Back' })).status, (await client.put(`/contacts/${erased}`, { status: 'inactive' })).status);
    await service.stop();
  }
  expect(names).toEqual([expect.not.stringContaining('erased'), '[erased]']);
  // Nothing personal can be kept of it any more.
  expect(changes).toEqual([200, 200, 404, 200]);
});

/** A copy of the first backup, changed. */
function damaged(change: (folder: string) => unknown): string {
  const folder = join(temporaryFolder(), 'damaged');
  cpSync(first, folder, { recursive: true });
  change(folder);
  return folder;
}

/** Puts `content` in the place of a file, and its checksum in the manifest. */
function replaceFile(folder: string, name: string, content: string): void {
  writeFileSync(join(folder, name), content);
  const sha256 = createHash('sha256').update(content).digest('hex');
  rewrite(join(folder, 'manifest.json'), (text) => JSON.stringify({ ...JSON.parse(text), files: { [name]: { bytes: content.length, sha256 } } }));
}

const withoutFiles = (text: string) => JSON.stringify({ ...JSON.parse(text), files: {} });

const rewrite = (file: string, change: (text: string) => string) => writeFileSync(file, change(readFileSync(file, 'utf8')));

test.each<[string, (folder: string) => unknown, RegExp]>([
  ['without its keys', (folder) => rmSync(join(folder, 'keys'), { recursive: true }), /keys: is no backup, or not a whole one/],
  ['without a file', (folder) => rmSync(join(folder, 'keys', 'keys.sqlite')), /keys\.sqlite: is missing/],
  ['with a damaged file', (folder) => appendFileSync(join(folder, 'events', 'contacts.sqlite'), 'x'), /contacts\.sqlite: is damaged/],
  ['of another format', (folder) => rewrite(join(folder, 'events', 'manifest.json'), (text) => text.replace('"format": 1', '"format": 2')), /format 2; this version reads format 1/],
  ['of a newer layout', (folder) => rewrite(join(folder, 'events', 'manifest.json'), (text) => text.replace(/"layout": \d+/, '"layout": 999')), /newer version \(layout 999/],
  ['with a manifest that is none', (folder) => writeFileSync(join(folder, 'keys', 'manifest.json'), '{'), /manifest\.json: is damaged/],
  ['with events for keys', (folder) => cpSync(join(folder, 'events', 'manifest.json'), join(folder, 'keys', 'manifest.json')), /keys: holds events, not keys/],
  ['whose manifest lists no events', (folder) => [rewrite(join(folder, 'events', 'manifest.json'), withoutFiles), rmSync(join(folder, 'events', 'contacts.sqlite'))], /events\/manifest\.json: is damaged, it does not list contacts\.sqlite$/],
  ['whose manifest lists no keys', (folder) => [rewrite(join(folder, 'keys', 'manifest.json'), withoutFiles), rmSync(join(folder, 'keys', 'keys.sqlite'))], /keys\/manifest\.json: is damaged, it does not list keys\.sqlite$/],
  ['with something else for its events', (folder) => replaceFile(join(folder, 'events'), 'contacts.sqlite', 'nothing of the kind'.repeat(99)), /events\/contacts\.sqlite: file is not a database$/],
  ['with something else for its keys', (folder) => replaceFile(join(folder, 'keys'), 'keys.sqlite', 'nothing of the kind'.repeat(99)), /keys\/keys\.sqlite: file is not a database$/],
  ['with an empty file for its events', (folder) => replaceFile(join(folder, 'events'), 'contacts.sqlite', ''), /events\/contacts\.sqlite: no such table: events$/],
  ['that is no folder', (folder) => rmSync(folder, { recursive: true }), /is no backup/],
])('a backup %s is refused with one line, and nothing is changed', async (_how, change, line) => {
  const folder = damaged(change);
  const target = join(temporaryFolder(), 'restored');
  const before = existsSync(folder) ? contentOf(folder) : {};
  const { code, out, err } = await runCommand(target, ['restore', folder]);
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err.trim().split('\n')).toEqual([expect.stringMatching(line)]);
  expect(existsSync(target)).toBe(false);
  expect(existsSync(folder) ? contentOf(folder) : {}).toEqual(before);
});

test('keys older than the events, or wrapped by another ENCRYPTION_KEY, are refused', async () => {
  const target = join(temporaryFolder(), 'restored');
  const older = await runCommand(target, ['restore', second, '--keys', join(first, 'keys')]);
  expect(older).toMatchObject({ code: 1, err: expect.stringMatching(/the keys are of an earlier moment than the events\n$/) });
  const wrong = await runCommand(target, ['restore', first], { ENCRYPTION_KEY: Buffer.alloc(32, 8).toString('base64') });
  expect(wrong).toMatchObject({ code: 1, err: expect.stringMatching(/^contacts: ENCRYPTION_KEY [^\n]*\n$/) });
  expect(existsSync(target)).toBe(false);
});

test('a folder that holds something is neither backed up to nor restored to', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'mine'), 'kept');
  const refused = [await runCommand(dataDir, ['backup', folder]), await runCommand(folder, ['restore', first])];
  for (const { code, err } of refused) expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/^contacts: [^\n]*is not empty[^\n]*\n$/) });
  expect(contentOf(folder)).toEqual({ mine: Buffer.from('kept').toString('base64') });
  const empty = [temporaryFolder(), temporaryFolder()] as const;
  expect((await runCommand(dataDir, ['backup', empty[0]])).code).toBe(0);
  expect((await runCommand(empty[1], ['restore', empty[0]])).code).toBe(0);
});

test('two backups asked for at one moment do not write into one another', async () => {
  const host = await openHost(readSettings({ ...testEnvironment, DATA_DIR: dataDir }));
  const folder = join(temporaryFolder(), 'backup');
  const write = () => host.platform.backup?.write(folder, () => undefined, new AbortController().signal);
  const tried = await Promise.allSettled([write(), write()]);
  await host.platform.close();
  expect(tried.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  expect(tried[1]).toMatchObject({ reason: { message: `${folder}: another backup is being written there` } });
});

test('missing folders are named, and not made', async () => {
  const missing = join(temporaryFolder(), 'missing');
  expect(await runCommand(dataDir, ['backup', join(missing, 'backup')])).toMatchObject({ code: 1, err: `contacts: ${missing}: no such folder\n` });
  for (const args of [['backup', join(temporaryFolder(), 'backup')], ['verify'], ['verify', '--audit'], ['rebuild'], ['skip', '1'], ['rewrap']]) {
    expect([args, await runCommand(missing, args)]).toEqual([args, { code: 1, out: '', err: `contacts: DATA_DIR ${missing}: no such folder\n` }]);
  }
  expect(await runCommand(dataDir, ['backup'])).toMatchObject({ code: 2, err: 'contacts: usage: contacts backup DIR\n' });
  expect(existsSync(missing)).toBe(false);
});

test('where the system makes no folder, neither a backup nor a restored folder is made, and the service goes on', async () => {
  const service = await startTestService();
  const backup = await runCommand(service.dataDir, ['backup', '/proc/backup']);
  expect(backup).toMatchObject({ code: 1, err: expect.stringMatching(/^contacts: the backup could not be written: [^\n]*no folder can be made there\n$/) });
  expect((await service.client().get('/contacts')).status).toBe(200);
  await service.stop();
  const restored = await runCommand('/proc/data', ['restore', first]);
  expect(restored).toMatchObject({ code: 1, err: expect.stringMatching(/^contacts: the backup could not be restored: [^\n]*no folder can be made there\n$/) });
});

const limited = spawnSync('sh', ['-c', 'ulimit -f 100 && ulimit -f']);
const withLimit = limited.status === 0 ? test : test.skip;

withLimit(`a disk that is full gives one line and leaves nothing half made${limited.status === 0 ? '' : ' (skipped: no limit on file size here)'}`, async () => {
  const folder = join(temporaryFolder(), 'backup');
  const target = join(temporaryFolder(), 'restored');
  // No file of the command's may grow beyond 600 kB: a write fails as on a full disk.
  const run = async (dataFolder: string, ...args: string[]) => {
    const env = { PATH: process.env.PATH ?? '', ...testEnvironment, DATA_DIR: dataFolder };
    const child = spawn('sh', ['-c', 'ulimit -f 1200; exec "$0" "$@"', process.execPath, binary, ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let err = '';
    child.stderr.on('data', (text: Buffer) => (err += text.toString()));
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, lines: err.trim().split('\n').filter((line) => line.startsWith('contacts: ')) };
  };
  expect(await run(dataDir, 'backup', folder)).toEqual({ code: 1, lines: [expect.stringMatching(/the backup could not be written: /)] });
  expect(readdirSync(join(folder, '..'))).toEqual([]);
  expect(await run(target, 'restore', first)).toEqual({ code: 1, lines: [expect.stringMatching(/the backup could not be restored: /)] });
  expect(existsSync(target)).toBe(false);
});
