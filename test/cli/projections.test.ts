// `contacts rebuild`, `verify` and `skip`, beside a running service and alone.

import { expect, test } from '@jest/globals';
import { contactStream } from '../../src/domain/streams.js';
import { eventually, forEachOf } from '../crash/load.js';
import { runCli, startCommand } from '../support/cli.js';
import { temporaryFolder } from '../support/folder.js';
import { createContacts, inStore, openTestHost, plantUnreadable } from '../support/projecting.js';
import { newOrganization, startServiceProcess, type Client } from '../support/service.js';

const ids = (count: number) => Array.from({ length: count }, (_, n) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`);

/** A data folder with `count` contacts of one organization. */
async function dataWith(count: number) {
  const [dataDir, organization] = [temporaryFolder(), newOrganization()];
  const host = await openTestHost(dataDir);
  await createContacts(host, organization, ids(count));
  await host.platform.close();
  return { dataDir, organization };
}

interface Row {
  number: number;
  position: number;
}

const generation = (dataDir: string, state: string) =>
  inStore(dataDir, (file) => file.prepare(`SELECT number, position FROM generations WHERE projection = 'contacts' AND state = ?`).get([state]) as Row | undefined);

/** Reads over and over; throws when an answer is not what was acknowledged. Returns how often it read. */
async function read(client: Client, known: { count: number }, stopped: () => boolean): Promise<number> {
  let reads = 0;
  for (; !stopped(); reads += 1) {
    const least = known.count;
    const [first] = ids(1);
    const [list, found, one] = [await client.get('/contacts?limit=1'), await client.get('/contacts?search=c0@example'), await client.get(`/contacts/${first}`)];
    const seen = { statuses: [list.status, found.status, one.status], enough: list.body.total >= least, found: found.body.total, name: one.body.name };
    expect(seen).toEqual({ statuses: [200, 200, 200], enough: true, found: 1, name: 'Contact 0' });
  }
  return reads;
}

test('a rebuild beside the running service: reads are right meanwhile, writes go on and are all there', async () => {
  const count = 3_000;
  const { dataDir, organization } = await dataWith(count);
  const service = await startServiceProcess({}, dataDir);
  const client = service.client(organization);
  const before = generation(dataDir, 'live');
  const known = { count };
  let done = false;
  const reading = read(client, known, () => done);
  const writing = forEachOf(Array.from({ length: 4 }), 4, async () => {
    while (!done) {
      const { status, body } = await client.post('/contacts', { name: 'Meanwhile' });
      expect(status).toBe(201);
      known.count += 1;
      expect((await client.get(`/contacts/${body.id}`)).status).toBe(200);
    }
  });
  const rebuilt = await runCli(dataDir, 'rebuild');
  done = true;
  const [reads] = await Promise.all([reading, writing]);
  expect(rebuilt).toMatchObject({ code: 0, stdout: expect.stringMatching(/^contacts: made anew from [\d,]+ events\ncompanies: made anew from [\d,]+ events\nendpoints: made anew from [\d,]+ events\n$/) });
  expect(rebuilt.stderr).toMatch(/\d\/[\d,]+ events for contacts/);
  expect(reads).toBeGreaterThan(0);
  expect(generation(dataDir, 'live')?.number).toBeGreaterThan(before?.number ?? 0);
  expect((await client.get('/contacts?limit=1')).body.total).toBe(known.count);
  expect(await runCli(dataDir, 'verify')).toMatchObject({ code: 0, stdout: `${known.count.toLocaleString('en-US')} documents compared: all are as the events say\n` });
  await service.stop();
}, 120_000);

/** Four times as many as a rebuild writes at a time: once the first are there it has a while to go. */
const MANY = 24_000;

test('a rebuild that is killed goes on where it was', async () => {
  const { dataDir, organization } = await dataWith(MANY);
  const { child, ended } = startCommand(dataDir, 'rebuild', 'contacts');
  const begun = await eventually(async () => generation(dataDir, 'building'), (row) => (row?.position ?? 0) > 0, 20_000);
  child.kill('SIGKILL');
  expect((await ended).code).toBeNull();
  const left = generation(dataDir, 'building');
  expect(left?.number).toBe(begun?.number);
  // A service that starts now serves what was live, and leaves what is being built alone.
  const service = await startServiceProcess({}, dataDir);
  expect((await service.client(organization).get('/contacts?limit=1')).body.total).toBe(MANY);
  const { code, stdout } = await runCli(dataDir, 'rebuild', 'contacts');
  expect(code).toBe(0);
  // The service may have signed heads of the audit meanwhile: a few events more.
  const events = Number(/^contacts: made anew from ([\d,]+) events\n$/.exec(stdout)?.[1]?.replaceAll(',', ''));
  const leftToDo = MANY - (left?.position ?? 0);
  expect(events).toBeGreaterThanOrEqual(leftToDo);
  expect(events).toBeLessThan(leftToDo + 50);
  expect(generation(dataDir, 'live')?.number).toBe(left?.number);
  expect(await runCli(dataDir, 'verify')).toMatchObject({ code: 0 });
  await service.stop();
}, 120_000);

test('interrupted, a rebuild says so and leaves what it built', async () => {
  const { dataDir } = await dataWith(MANY);
  const { child, ended } = startCommand(dataDir, 'rebuild', 'contacts');
  await eventually(async () => generation(dataDir, 'building'), (row) => (row?.position ?? 0) > 0, 20_000);
  child.kill('SIGINT');
  const { code, stderr } = await ended;
  expect(code).toBe(1);
  expect(stderr).toMatch(/contacts: interrupted\n$/);
  expect(generation(dataDir, 'building')?.position).toBeGreaterThan(0);
}, 60_000);

test('verify lists what differs, without what it holds, and ends with 1', async () => {
  const { dataDir, organization } = await dataWith(120);
  const [first, second, third] = ids(3);
  inStore(dataDir, (file) =>
    file.exec(`UPDATE documents SET body = json_set(body, '$.email', 'mallory@example.com') WHERE id = '${first}';
      DELETE FROM documents WHERE id = '${second}';
      UPDATE documents SET id = '${third?.replace('000', 'fff')}' WHERE id = '${third}'`),
  );
  const { code, stdout, stderr } = await runCli(dataDir, 'verify', 'contacts');
  expect(code).toBe(1);
  expect(stdout.trimEnd().split('\n').sort()).toEqual(
    [
      `different    contacts "${organization}" ${first}: email`,
      `missing      contacts "${organization}" ${second}`,
      `missing      contacts "${organization}" ${third}`,
      `superfluous  contacts "${organization}" ${third?.replace('000', 'fff')}`,
      `different    contacts "${organization}": counts.active`,
      `superfluous  contacts "${organization}" ${second}: history`,
      `superfluous  contacts "${organization}" ${third}: history`,
      `superfluous  contacts "${organization}": search`,
      '119 documents compared: 8 differ from what the events say',
    ].sort(),
  );
  expect(stdout + stderr).not.toContain('mallory');
}, 60_000);

test('an event that cannot be projected is skipped while the service runs, and it is ready again', async () => {
  const { dataDir, organization } = await dataWith(10);
  const [first] = ids(1);
  const position = plantUnreadable(dataDir, contactStream(organization, first ?? ''));
  const service = await startServiceProcess({}, dataDir);
  const ready = async () => (await fetch(`${service.origin}/health/ready`)).status;
  const client = service.client(organization);
  expect([await ready(), (await client.post('/contacts', { name: 'New' })).status]).toEqual([503, 503]);
  const wrong = await runCli(dataDir, 'skip', '3');
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringMatching(new RegExp(`^contacts: nothing is stopped at position 3; the projection contacts is stopped at position ${position}: `)) });
  const skipped = await runCli(dataDir, 'skip', position, '--projection', 'contacts', '--reason', 'damaged');
  expect(skipped).toEqual({ code: 0, stdout: `contacts: went past the event at position ${position}\n`, stderr: '' });
  expect([await ready(), (await client.post('/contacts', { name: 'New' })).status]).toEqual([200, 201]);
  expect((await client.get('/contacts?limit=1')).body.total).toBe(11);
  await service.stop();
  expect(await runCli(dataDir, 'rebuild')).toMatchObject({ code: 0 });
  expect(await runCli(dataDir, 'verify')).toMatchObject({ code: 0 });
}, 60_000);

test.each([
  [['rebuild', 'contcats'], 'no such projection: contcats; there are the projections contacts, companies, endpoints'],
  [['verify', 'x'], 'no such projection: x; there are the projections contacts, companies, endpoints'],
  [['verify', '--fast'], "Unknown option '--fast'"],
  [['rebuild', 'contacts', 'companies'], "rebuild: unexpected argument 'companies'"],
  [['skip'], 'usage: contacts skip POSITION [--projection NAME] [--reason TEXT]'],
  [['skip', '1', '--projection', 'x'], 'no such projection: x; there are the projections contacts, companies, endpoints'],
])('%j is one clear line and changes nothing', async (args, line) => {
  const { code, stdout, stderr } = await runCli(temporaryFolder(), ...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(`contacts: ${line}`);
  expect(stderr.trimEnd()).not.toContain('\n');
});
