// The receiver that the README shows, as it stands there, verifies what the service sends.

import { expect, test } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../support/folder.js';
import { until } from '../support/receiver.js';
import { startTestService } from '../support/service.js';

const WAIT_MS = 60_000;
const root = fileURLToPath(new URL('../..', import.meta.url));

/** The README's code in `language` that mentions webhooks. */
function example(language: string): string {
  const blocks = readFileSync(join(root, 'README.md'), 'utf8').matchAll(/```(\w+)\n([^]*?)```/g);
  const found = [...blocks].filter(([, name, code]) => name === language && code?.includes('Webhook'));
  expect(found).toHaveLength(1);
  return found[0]?.[2] ?? '';
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

const python = spawnSync('python3', ['-c', 'import standardwebhooks']);
const lacking = python.error !== undefined ? 'python3 is missing' : python.status !== 0 ? 'python3 has no standardwebhooks: pip install standardwebhooks' : null;

/** A test that needs Python, skipped with what is missing in its name. */
function testPython(name: string, body: () => Promise<void>): void {
  if (lacking === null) test(name, body);
  else test.skip(`${name} (${lacking})`, body);
}

test('the receivers are ten lines of code', () => {
  for (const language of ['js', 'python']) expect(example(language).split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(10);
});

/** Has the service deliver to the receiver of the README in `language`, that `command` runs in a folder of its own. */
async function takesDeliveries(language: string, prepare: (folder: string) => [command: string, ...args: string[]]): Promise<void> {
  const service = await startTestService({ WEBHOOK_ALLOW_PRIVATE_NETWORKS: 'true' });
  const client = service.client();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const { id, secret } = (await client.post('/webhooks', { url })).body;
  const folder = temporaryFolder();
  const [command, ...args] = prepare(folder);
  const file = join(folder, args.at(-1) ?? '');
  writeFileSync(file, example(language));
  const env = { PATH: process.env.PATH ?? '', PYTHONUNBUFFERED: '1', WEBHOOK_SECRET: secret, PORT: String(port) };
  const child = spawn(command, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'ignore'] });
  const exited = once(child, 'exit');
  try {
    let printed = '';
    child.stdout.on('data', (text: Buffer) => (printed += text.toString()));
    await until(() => fetch(url, { method: 'POST', body: '{}' }).then(({ status }) => status === 401, () => false), 'the receiver to refuse', WAIT_MS);
    await client.post(`/webhooks/${id}/test`);
    await until(async () => (await client.get(`/webhooks/${id}/deliveries?status=delivered`)).body.data.length === 1, 'the delivery', WAIT_MS);
    await until(() => printed.includes('webhook.test'), 'the receiver to say so', WAIT_MS);
  } finally {
    child.kill();
    await exited;
    await service.stop();
  }
}

test('the receiver in JavaScript takes a delivery, and refuses one with another signature', async () => {
  await takesDeliveries('js', (folder) => {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    return [process.execPath, 'receiver.mjs'];
  });
});

testPython('the receiver in Python takes a delivery, and refuses one with another signature', () => takesDeliveries('python', () => ['python3', 'receiver.py']));
