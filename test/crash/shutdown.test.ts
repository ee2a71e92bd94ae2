// Ending and starting: SIGTERM finishes what was accepted, one process holds a folder, kill -9 lets go of it.

import { expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { binary, newOrganization, startServiceProcess, testEnvironment, type Client } from '../support/service.js';
import { eventually, listAll } from './load.js';

/** A request as its client saw it, in ms of `performance.now`. */
interface Sent {
  /** When all of it was handed to the operating system, on a connection that had been answered on before. */
  handedOver: number | null;
  status: number | null;
  id: string | null;
}

/** Posts a contact and tells when it left; a connection that breaks is no answer. */
function postContact({ baseUrl, token }: Client, agent: Agent): Promise<Sent> {
  const sent: Sent = { handedOver: null, status: null, id: null };
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
  return new Promise((resolve) => {
    const asked = request(`${baseUrl}/contacts`, { agent, method: 'POST', headers });
    asked.on('finish', () => (sent.handedOver = asked.reusedSocket ? performance.now() : null));
    asked.on('error', () => resolve(sent));
    asked.on('response', (response) => {
      let text = '';
      response.on('data', (part: Buffer) => (text += part.toString()));
      response.on('error', () => resolve(sent));
      response.on('end', () => resolve({ ...sent, status: response.statusCode ?? null, id: JSON.parse(text).id ?? null }));
    });
    asked.end(JSON.stringify({ name: 'Accepted' }));
  });
}

test('SIGTERM under load: every accepted request is answered, nothing acknowledged is lost, exit code 0', async () => {
  const service = await startServiceProcess();
  const organization = newOrganization();
  const client = service.client(organization);
  const requests: Sent[] = [];
  const worker = async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let answered = true; answered; ) {
      const sent = await postContact(client, agent);
      requests.push(sent);
      answered = sent.status !== null;
    }
    agent.destroy();
  };
  const working = Array.from({ length: 32 }, worker);
  await eventually(async () => requests.length, (count) => count > 500, 20_000);
  const exited = once(service.child, 'exit');
  const toldAt = performance.now();
  service.child.kill('SIGTERM');
  const [code] = (await exited) as [number | null];
  await Promise.all(working);
  expect(code).toBe(0);
  const before = requests.filter(({ handedOver }) => handedOver !== null && handedOver < toldAt);
  expect(before.length).toBeGreaterThan(200);
  expect(before.filter(({ status }) => status === null)).toEqual([]);
  expect(new Set(requests.map(({ status }) => status))).toEqual(new Set([201, null]));
  const acknowledged = requests.flatMap(({ id }) => id ?? []);
  const restarted = await startServiceProcess({}, service.dataDir);
  const again = restarted.client(organization);
  const stored = await listAll(again);
  expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
  await restarted.stop();
}, 120_000);

test('a request that is half sent when SIGTERM comes is answered and its connection closed, an idle one let go of, and new connections are refused', async () => {
  const service = await startServiceProcess();
  const client = service.client();
  const idle = new Agent({ keepAlive: true });
  expect((await postContact(client, idle)).status).toBe(201);
  const port = Number(new URL(service.origin).port);
  const body = JSON.stringify({ name: 'Half Sent' });
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (text: Buffer) => (answer += text.toString()));
  const head = `POST /api/v1/contacts HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${client.token}\r\n`;
  socket.write(`${head}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`);
  await sleep(200);
  const exited = once(service.child, 'exit');
  service.child.kill('SIGTERM');
  await eventually(() => fetch(`${service.origin}/health/live`).then(() => 'listens', () => 'refuses'), (said) => said === 'refuses');
  socket.write(body.slice(5));
  const [code] = (await exited) as [number | null];
  expect(answer).toMatch(/^HTTP\/1\.1 201 .*\r\nConnection: close\r\n/s);
  expect(code).toBe(0);
  socket.destroy();
  idle.destroy();
}, 120_000);

test('a second signal ends it at once with exit code 1, though a request is still half sent and threads read', async () => {
  const service = await startServiceProcess();
  const client = service.client();
  for (let made = 0; made < 20; made += 1) expect((await client.post('/contacts', { name: 'Read' })).status).toBe(201);
  const half = connect(Number(new URL(service.origin).port), '127.0.0.1');
  half.on('error', () => undefined);
  half.write('POST /api/v1/contacts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n{');
  const reading = Array.from({ length: 8 }, () => client.get('/events?limit=1000').catch(() => undefined));
  await sleep(50);
  const exited = once(service.child, 'exit');
  for (const signal of ['SIGTERM', 'SIGINT'] as const) service.child.kill(signal);
  expect(await exited).toEqual([1, null]);
  await Promise.all(reading);
  half.destroy();
}, 120_000);

test('a second process on the same folder is refused with one clear line, and the first goes on', async () => {
  const service = await startServiceProcess();
  const client = service.client();
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
  expect(code).toBe(1);
  expect(said.err.trim().split('\n')).toEqual([expect.stringMatching(/another process is using .*contacts\.lock/)]);
  expect(said.out).toBe('');
  expect((await client.post('/contacts', { name: 'Afterwards' })).status).toBe(201);
  expect((await client.get('/contacts')).body.total).toBe(21);
  await service.stop();
}, 120_000);

test('after kill -9 a start works at once, and a start during a stop waits for it', async () => {
  const first = await startServiceProcess();
  const organization = newOrganization();
  expect((await first.client(organization).post('/contacts', { name: 'Kept' })).status).toBe(201);
  await first.kill();
  const second = await startServiceProcess({}, first.dataDir);
  const [third] = await Promise.all([startServiceProcess({}, first.dataDir), sleep(300).then(() => second.stop())]);
  expect((await third.client(organization).get('/contacts')).body.total).toBe(1);
  await third.stop();
}, 120_000);
