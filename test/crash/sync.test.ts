// A disk that does not take what is written: syncs fail by strace's fault injection.

import { expect, test } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { newOrganization, startServiceProcess } from '../support/service.js';
import { eventually, forEachOf } from './load.js';

const tried = spawnSync('strace', ['-f', '-e', 'trace=fsync', '-e', 'inject=fsync:error=EIO', '-o', '/dev/null', 'true']);
const reason = tried.error !== undefined ? 'strace is missing' : tried.status !== 0 ? 'strace cannot trace here' : null;
const withStrace = reason === null ? test : test.skip;
const suffix = reason === null ? '' : ` (skipped: ${reason})`;

/** Lets every sync of process `pid` fail until the function returned is called. */
async function failSyncs(pid: number): Promise<() => Promise<void>> {
  const calls = 'fsync,fdatasync';
  const options = ['-f', '-p', String(pid), '-e', `trace=${calls}`, '-e', `inject=${calls}:error=EIO`, '-o', '/dev/null'];
  const strace = spawn('strace', options, { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(strace, 'exit');
  let said = '';
  strace.stderr.on('data', (text: Buffer) => (said += text.toString()));
  await eventually(async () => said, (text) => text.includes('attached'));
  await sleep(100);
  return async () => {
    strace.kill('SIGINT');
    await exited;
  };
}

withStrace(`failed syncs answer 503, lose nothing acknowledged, and the service recovers${suffix}`, async () => {
  const service = await startServiceProcess();
  const organization = newOrganization();
  const client = service.client(organization);
  const acknowledged = new Map<string, string>();
  const statuses = new Map<number, number>();
  let writing = true;
  let count = 0;
  const worker = async () => {
    while (writing) {
      count += 1;
      const name = `Contact ${count}`;
      const { status, body } = await client.post('/contacts', { name });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status === 201) acknowledged.set(body.id, name);
      if (status === 503) expect(body).toMatchObject({ error: 'SERVICE_UNAVAILABLE', details: [] });
      await sleep(5);
    }
  };
  const working = Array.from({ length: 8 }, worker);
  for (let round = 0; round < 3; round += 1) {
    await sleep(200);
    const letGo = await failSyncs(service.child.pid as number);
    const fails = () => client.post('/contacts', { name: 'Never Synced' });
    await eventually(fails, ({ status }) => status === 503);
    await sleep(100);
    const acknowledgedBefore = acknowledged.size;
    for (let tries = 0; tries < 10; tries += 1) expect((await fails()).status).toBe(503);
    expect(acknowledged.size).toBe(acknowledgedBefore);
    expect((await fetch(`${service.origin}/health/live`)).status).toBe(200);
    await letGo();
    await eventually(() => client.post('/contacts', { name: 'Recovered' }), ({ status }) => status === 201);
  }
  writing = false;
  await Promise.all(working);
  expect([...statuses.keys()].sort()).toEqual([201, 503]);
  expect(service.child.exitCode).toBeNull();
  const check = async (reader: typeof client) =>
    forEachOf([...acknowledged], 16, async ([id, name]) => {
      expect((await reader.get(`/contacts/${id}`)).body).toMatchObject({ id, name });
    });
  await check(client);
  const totalBefore = (await client.get('/contacts')).body.total as number;
  await service.kill();
  const restarted = await startServiceProcess({}, service.dataDir);
  const again = restarted.client(organization);
  await check(again);
  expect((await again.get('/contacts')).body.total).toBe(totalBefore);
  expect(totalBefore).toBeGreaterThanOrEqual(acknowledged.size + 3);
  await restarted.stop();
}, 120_000);

withStrace(`a write sent again with its Idempotency-Key after failed syncs is made once${suffix}`, async () => {
  const service = await startServiceProcess();
  const client = service.client();
  const send = () => client.post('/contacts', { name: 'Sent Again' }, { 'Idempotency-Key': 'the-same-key' });
  const letGo = await failSyncs(service.child.pid as number);
  expect((await send()).status).toBe(503);
  // What was written and could not be synced may be found when the file is opened again: then the key is taken.
  expect([409, 503]).toContain((await send()).status);
  await letGo();
  const created = await eventually(send, ({ status }) => status === 201, 35_000);
  expect((await client.get('/contacts?search=sent')).body.total).toBe(1);
  expect((await send()).body).toEqual(created.body);
  await service.stop();
}, 120_000);
