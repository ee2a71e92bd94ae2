// Heads are signed, given out, and stay right through erasure, backup and a change of keys.

import { expect, test } from '@jest/globals';
import { createPublicKey, verify } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { signedBytes } from '../../src/chain/headKeys.js';
import { chainAll, openTestHost } from './folders.js';
import { runCommand } from '../support/command.js';
import { temporaryFolder } from '../support/folder.js';
import { ENCRYPTION_KEY, startTestService } from '../support/service.js';

const verified = { code: 0, out: expect.stringContaining('all as they were chained') };

/** Signs heads for all that a folder holds. */
async function signAll(dataDir: string, keys?: string[]): Promise<void> {
  const host = await openTestHost(dataDir, keys === undefined ? {} : { ENCRYPTION_KEY: keys.join(',') });
  await chainAll(host, keys === undefined ? {} : { keys });
  await host.platform.close();
}

test('a head is given to who may audit, its signature checked by the public key alone; an idle organization gets no more', async () => {
  const dataDir = temporaryFolder();
  await runCommand(dataDir, ['seed', '--org', 'acme', '--contacts', '3']);
  await signAll(dataDir);
  await signAll(dataDir);
  const service = await startTestService({}, dataDir);
  const { status, body } = await service.client('acme', { scope: 'audit:read' }).get('/audit/head');
  expect({ status, sequence: body.sequence }).toEqual({ status: 200, sequence: Number(body.position) });
  expect(verify(null, signedBytes(body), createPublicKey(body.publicKey), Buffer.from(body.signature, 'base64'))).toBe(true);
  expect(verify(null, signedBytes({ ...body, sequence: body.sequence - 1 }), createPublicKey(body.publicKey), Buffer.from(body.signature, 'base64'))).toBe(false);
  expect((await service.client('acme', { scope: 'contacts:read' }).get('/audit/head')).status).toBe(403);
  expect((await service.client('nobody yet').get('/audit/head')).status).toBe(404);
  await service.stop();
  const host = await openTestHost(dataDir);
  expect(await host.platform.log.last('audit-acme-head')).toMatchObject({ revision: 0 });
  await host.platform.close();
});

test('it verifies beside the service, after an erasure, from a backup, and with the key before while that is given', async () => {
  const dataDir = temporaryFolder();
  const service = await startTestService({}, dataDir);
  const client = service.client('acme');
  const { id } = (await client.post('/contacts', { name: 'Ada', email: 'ada@example.com' })).body;
  await client.put(`/contacts/${id}`, { name: 'Ada Lovelace' });
  expect((await client.post(`/contacts/${id}/erase`, { reason: 'asked for' })).status).toBe(200);
  expect(await runCommand(dataDir, ['verify', '--audit'])).toMatchObject(verified);
  await service.stop();
  await signAll(dataDir);
  expect(await runCommand(dataDir, ['verify', '--audit'])).toMatchObject({ code: 0, out: expect.stringMatching(/^4 events of 1 organization checked, 1 signed head: all/) });
  const [backup, restored] = [join(temporaryFolder(), 'backup'), join(temporaryFolder(), 'restored')];
  expect(await runCommand(dataDir, ['backup', backup])).toMatchObject({ code: 0 });
  expect(await runCommand(restored, ['restore', backup])).toMatchObject({ code: 0 });
  expect(await runCommand(restored, ['verify', '--audit'])).toMatchObject({ code: 0, out: expect.stringMatching(/^4 events/) });
  const other = Buffer.alloc(32, 9).toString('base64');
  const both = { ENCRYPTION_KEY: `${other},${ENCRYPTION_KEY}` };
  expect(await runCommand(restored, ['verify', '--audit'], both)).toMatchObject({ code: 0, out: expect.stringContaining('1 signed head: all') });
  expect(await runCommand(restored, ['rewrap'], both)).toMatchObject({ code: 0 });
  expect(await runCommand(restored, ['verify', '--audit'], { ENCRYPTION_KEY: other })).toMatchObject({ code: 0, out: expect.stringMatching(/^1 head signed by keys that are not in ENCRYPTION_KEY/) });
}, 60_000);

test('a head that cannot be read is refused before anything is done', async () => {
  const file = join(temporaryFolder(), 'head.json');
  writeFileSync(file, '{"sequence": 1}');
  const dataDir = temporaryFolder();
  expect(await runCommand(dataDir, ['verify', '--audit', '--head', file])).toMatchObject({ code: 1, err: expect.stringContaining('holds no answer of GET /audit/head') });
  writeFileSync(file, ' '.repeat(1_048_577));
  expect(await runCommand(dataDir, ['verify', '--audit', '--head', file])).toMatchObject({ code: 1, err: `contacts: --head ${file}: holds no answer of GET /audit/head\n` });
  expect(await runCommand(dataDir, ['verify', '--audit', '--head', '/dev/zero'])).toMatchObject({ code: 1, err: 'contacts: --head /dev/zero: holds no answer of GET /audit/head\n' });
  expect(await runCommand(dataDir, ['verify', '--audit', '--head', dataDir])).toMatchObject({ code: 1, err: expect.stringContaining(`contacts: --head ${dataDir}: EISDIR`) });
  expect(await runCommand(dataDir, ['verify', '--head', file])).toMatchObject({ code: 2, err: expect.stringContaining('--head goes with --audit') });
});
