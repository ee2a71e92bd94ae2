// The receiver that the README shows, as it stands there, verifies what the service sends.

import { expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../support/folder.js';
import { until } from '../support/receiver.js';
import { startTestService } from '../support/service.js';

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

test('the receivers are ten lines of code', () => {
  for (const language of ['js', 'python']) expect(example(language).split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(10);
});

test('the receiver in JavaScript takes a delivery, and refuses one with another signature', async () => {
  const service = await startTestService({ WEBHOOK_ALLOW_PRIVATE_NETWORKS: 'true' });
  const client = service.client();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const { id, secret } = (await client.post('/webhooks', { url })).body;
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'receiver.mjs'), example('js'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const env = { PATH: process.env.PATH ?? '', WEBHOOK_SECRET: secret, PORT: String(port) };
  const child = spawn(process.execPath, ['receiver.mjs'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    let printed = '';
    child.stdout.on('data', (text: Buffer) => (printed += text.toString()));
    await until(() => fetch(url, { method: 'POST', body: '{}' }).then(({ status }) => status === 401, () => false), 'the receiver to refuse');
    await client.post(`/webhooks/${id}/test`);
    await until(async () => (await client.get(`/webhooks/${id}/deliveries?status=delivered`)).body.data.length === 1, 'the delivery');
    await until(() => printed.includes('webhook.test'), 'the receiver to say so');
  } finally {
    child.kill();
    await service.stop();
  }
});
