// Ending and starting: SIGTERM finishes what was accepted, one process holds a folder, kill -9 lets go of it.

import { expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { binary, newOrganization, startServiceProcess, testEnvironment } from '../support/service.js';

test('SIGTERM under load: every accepted request is answered, nothing acknowledged is lost, exit code 0', async () => {
  const service = await startServiceProcess();
  const organization = newOrganization();
  const client = service.client(organization);
  const acknowledged: string[] = [];
  const unanswered: number[] = [];
  const refused: number[] = [];
  const worker = async () => {
    for (;;) {
      const sentAt = performance.now();
      try {
        const { status, body } = await client.post('/contacts', { name: 'Accepted' });
        if (status === 201) acknowledged.push(body.id);
        else refused.push(status);
      } catch {
        unanswered.push(sentAt);
        return;
      }
    }
  };
  const working = Array.from({ length: 32 }, worker);
  await sleep(500);
  const exited = once(service.child, 'exit');
  const toldAt = performance.now();
  service.child.kill('SIGTERM');
  const [code] = (await exited) as [number | null];
  await Promise.all(working);
  expect(code).toBe(0);
  expect(refused.filter((status) => status !== 503)).toEqual([]);
  // What was sent after the signal may find no one listening; what was sent before is answered.
  expect(unanswered.filter((sentAt) => sentAt < toldAt - 5)).toEqual([]);
  const restarted = await startServiceProcess({}, service.dataDir);
  const again = restarted.client(organization);
  for (const id of acknowledged.slice(-200)) expect((await again.get(`/contacts/${id}`)).status).toBe(200);
  expect((await again.get('/contacts')).body.total).toBeGreaterThanOrEqual(acknowledged.length);
  await restarted.stop();
});

test('a request that is half sent when SIGTERM comes is answered, and new connections are refused', async () => {
  const service = await startServiceProcess();
  const { token } = service.client();
  const port = Number(new URL(service.origin).port);
  const body = JSON.stringify({ name: 'Half Sent' });
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (text: Buffer) => (answer += text.toString()));
  const head = `POST /api/v1/contacts HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n`;
  socket.write(`${head}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`);
  await sleep(200);
  const exited = once(service.child, 'exit');
  service.child.kill('SIGTERM');
  await sleep(300);
  await expect(fetch(`${service.origin}/health/live`)).rejects.toThrow();
  socket.write(body.slice(5));
  const [code] = (await exited) as [number | null];
  expect(answer).toMatch(/^HTTP\/1\.1 201 /);
  expect(code).toBe(0);
  socket.destroy();
});

test('a second process on the same folder is refused with one clear line, and the first goes on', async () => {
  const service = await startServiceProcess();
  const client = service.client();
  const startedAt = performance.now();
  const env = { PATH: process.env.PATH ?? '', ...testEnvironment, DATA_DIR: service.dataDir };
  const second = spawn(process.execPath, [binary, 'serve'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { out: '', err: '' };
  second.stdout.on('data', (text: Buffer) => (said.out += text.toString()));
  second.stderr.on('data', (text: Buffer) => (said.err += text.toString()));
  const closed = once(second, 'close');
  for (let index = 0; index < 20; index += 1) {
    expect((await client.post('/contacts', { name: 'Meanwhile' })).status).toBe(201);
    await sleep(50);
  }
  const [code] = (await closed) as [number | null];
  expect(performance.now() - startedAt).toBeLessThan(7_000);
  expect(code).toBe(1);
  expect(said.err.trim().split('\n')).toEqual([expect.stringMatching(/another process is using .*contacts\.lock/)]);
  expect(said.out).toBe('');
  expect((await client.post('/contacts', { name: 'Afterwards' })).status).toBe(201);
  expect((await client.get('/contacts')).body.total).toBe(21);
  await service.stop();
});

test('after kill -9 a start works at once, and a start during a stop waits for it', async () => {
  const first = await startServiceProcess();
  const organization = newOrganization();
  expect((await first.client(organization).post('/contacts', { name: 'Kept' })).status).toBe(201);
  await first.kill();
  const startedAt = performance.now();
  const second = await startServiceProcess({}, first.dataDir);
  expect(performance.now() - startedAt).toBeLessThan(3_000);
  const [third] = await Promise.all([startServiceProcess({}, first.dataDir), sleep(300).then(() => second.stop())]);
  expect((await third.client(organization).get('/contacts')).body.total).toBe(1);
  await third.stop();
});
