// On one SQLite file each event has its link from the moment it is stored: what has none was
// written by somebody else, and is never taken for one of the service's own.

import { beforeAll, expect, test } from '@jest/globals';
import type Sqlite from 'libsql';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { readSettings } from '../../src/config.js';
import { startService } from '../../src/service.js';
import { HeadKeys } from '../../src/chain/headKeys.js';
import { HeadSigner } from '../../src/chain/headSigner.js';
import type { ChainEnd } from '../../src/ports/chainStore.js';
import { runCommand } from '../support/command.js';
import { temporaryFolder } from '../support/folder.js';
import { Client, ENCRYPTION_KEY, startServiceProcess, startTestService, testEnvironment, tokenFor } from '../support/service.js';
import { audit, copyOf, openTestHost } from './folders.js';

const dataDir = temporaryFolder();
let last: number;
beforeAll(async () => {
  const service = await startTestService({}, dataDir);
  const client = service.client('acme');
  for (const name of ['Ada', 'Bob', 'Cleo']) await client.post('/contacts', { name });
  await service.stop();
  copyOf(dataDir, (file) => (last = headOf(file)));
});

const headOf = (file: Sqlite.Database) => (file.prepare('SELECT max(position) AS head FROM events').get([]) as { head: number }).head;

/** A deletion that nobody asked for, after the last event. */
const forge = (file: Sqlite.Database) =>
  file
    .prepare(
      `INSERT INTO events SELECT ?1, stream, 1, 'forged', 'ContactDeleted', json_object('contactId', json_extract(data, '$.contactId')), metadata
       FROM events WHERE type = 'ContactCreated' LIMIT 1`,
    )
    .run([last + 1]);

test('each event has its link, whenever the service ends', async () => {
  expect(await audit(copyOf(dataDir))).toMatchObject({ events: last, waiting: 0, finding: null });
  const killed = temporaryFolder();
  const service = await startServiceProcess({}, killed);
  for (let n = 0; n < 20; n += 1) await service.client('acme').post('/contacts', { name: `${n}` });
  await service.kill();
  expect(await audit(killed)).toMatchObject({ events: 20, waiting: 0, finding: null });
});

test('an event written into the file while no service runs is named, at the start and by the check, and stays so', async () => {
  const forged = copyOf(dataDir, forge);
  const named = { code: 1, out: expect.stringMatching(new RegExp(`^added: organization "acme", position ${last + 1}, .*no service stored it`)) };
  expect(await runCommand(forged, ['verify', '--audit'])).toMatchObject(named);
  for (const start of ['first', 'second']) {
    const logged: string[] = [];
    const service = await startService(readSettings({ ...testEnvironment, DATA_DIR: forged }), pino({ level: 'error' }, { write: (line) => void logged.push(line) }));
    while (!logged.join('').includes(`ContactDeleted of contact-acme-`)) await sleep(5);
    expect({ start, logged: logged.join('') }).toEqual({ start, logged: expect.stringContaining(`at position ${last + 1} was not stored by this service`) });
    const client = new Client(`http://127.0.0.1:${service.port}/api/v1`, tokenFor('acme'));
    expect((await client.post('/contacts', { name: 'Dan' })).status).toBe(201);
    await service.stop();
  }
  expect((await audit(forged)).finding).toMatchObject({ kind: 'added', position: String(last + 1), eventId: 'forged' });
});

test('nor is it taken for genuine when all links are gone, or one was made for it', async () => {
  const bare = copyOf(dataDir, (file) => {
    forge(file);
    file.exec("DELETE FROM chain_links; DELETE FROM chains; DELETE FROM checkpoints WHERE subscriber = 'audit'");
  });
  expect((await audit(bare)).finding).toMatchObject({ kind: 'added', position: '1' });
  const linked = copyOf(dataDir, (file) => {
    forge(file);
    file.prepare("INSERT INTO chain_links SELECT number + 1, chain, sequence + 1, 'forged', position + 1, hash FROM chain_links ORDER BY number DESC LIMIT 1").run([]);
    file.prepare("UPDATE checkpoints SET position = ? WHERE subscriber = 'audit'").run([last + 1]);
  });
  expect((await audit(linked)).finding).toMatchObject({ kind: 'changed', position: String(last + 1) });
});

test('the end of a chain that somebody changed gets no signature, though its head is due', async () => {
  const { platform, events, clock, ids } = await openTestHost(copyOf(dataDir, (file) => file.exec('UPDATE chains SET hash = zeroblob(32), uncovered_since = 1')));
  const signer = new HeadSigner({ log: platform.log, events, keys: new HeadKeys([ENCRYPTION_KEY]), clock, ids });
  const before = await platform.log.last('audit-acme-head');
  await signer.append((await platform.chain.end('acme')) as ChainEnd);
  expect(await platform.log.last('audit-acme-head')).toEqual(before);
  await platform.close();
});
