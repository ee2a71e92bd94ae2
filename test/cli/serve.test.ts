// `contacts serve` as a newcomer starts it: with no settings, and what it prints is pasted.

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { temporaryFolder } from '../support/folder.js';
import { binary, JWT_SECRET } from '../support/service.js';

const started: ChildProcess[] = [];
afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }
});

/** Starts it, and gives what it said once `until` is in it. */
async function serve(environment: Record<string, string>, until: string) {
  const env = { PATH: process.env.PATH ?? '', PORT: '0', DATA_DIR: temporaryFolder(), ...environment };
  const child = spawn(process.execPath, [binary, 'serve'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  let said = '';
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (part: Buffer) => {
        said += part.toString();
        if (said.includes(until)) resolve();
      });
    }
    child.once('exit', () => reject(new Error(`it ended: ${said}`)));
  });
  return { child, said, dataDir: env.DATA_DIR };
}

/** Runs one line in a shell, as pasted. */
const paste = (line: string) =>
  new Promise<string>((resolve, reject) => {
    execFile('/bin/sh', ['-c', line], (failure, out, error) => (failure === null ? resolve(out) : reject(new Error(error))));
  });

const LAST_LINE = /\ncurl http[^\n]*\n/;

async function greeted(environment: Record<string, string> = {}) {
  const { child, said, dataDir } = await serve(environment, 'Try it');
  let all = said;
  child.stdout?.on('data', (part: Buffer) => (all += part.toString()));
  while (!LAST_LINE.test(all)) await once(child.stdout as NodeJS.ReadableStream, 'data');
  return { dataDir, said: all, lines: all.split('\n').filter((line) => line.startsWith('curl ')) };
}

test('the lines it prints work as printed: one creates a contact, the other lists it', async () => {
  const { lines, said } = await greeted();
  expect(lines).toHaveLength(2);
  const [create = '', list = ''] = lines;
  const made = JSON.parse(await paste(create));
  expect(made).toMatchObject({ organizationId: 'org_demo', name: 'John Smith', email: 'john.smith@acme.com', status: 'active' });
  expect(JSON.parse(await paste(list))).toMatchObject({ total: 1, data: [{ id: made.id }] });
  expect(said).toContain('made in the data folder');
});

test('a token that was printed is good after a restart', async () => {
  const first = await greeted();
  const token = /Bearer ([\w.-]+)/.exec(first.said)?.[1] ?? '';
  const [child] = started;
  const ended = once(child as ChildProcess, 'exit');
  child?.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  const second = await greeted({ DATA_DIR: first.dataDir });
  const base = /http:\/\/[^\s]*\/api\/v1/.exec(second.said)?.[0] ?? '';
  expect((await fetch(`${base}/contacts`, { headers: { Authorization: `Bearer ${token}` } })).status).toBe(200);
});

test('in production it prints no token', async () => {
  const { said } = await serve({ NODE_ENV: 'production', JWT_SECRET, ENCRYPTION_KEY: Buffer.alloc(32, 1).toString('base64') }, 'listening');
  expect(said).not.toMatch(/eyJ|curl/);
});

test.each([
  [{ NODE_ENV: 'production' }, 'JWT_SECRET'],
  [{ NODE_ENV: 'production', JWT_SECRET }, 'ENCRYPTION_KEY'],
  [{ PORT: 'http', STRICT_PARENT_ENTITY: 'yes' }, 'PORT: .*; STRICT_PARENT_ENTITY'],
  [{ JWT_PUBLIC_KEY: 'no PEM' }, 'JWT_PUBLIC_KEY'],
  [{ JWT_SECRET, JWT_JWKS_URI: 'https://x.example/keys' }, 'JWT_JWKS_URI'],
])('with %j it does not start, and says why', async (environment: Record<string, string>, named) => {
  await expect(serve(environment, 'listening')).rejects.toThrow(new RegExp(`^it ended: contacts: .*${named}`));
});

test.each(['encryption-key', 'jwt-secret'])('a file %s that holds none, as a full disk or an editor may leave it, is named', async (name) => {
  const dataDir = temporaryFolder();
  for (const held of ['', 'short']) {
    writeFileSync(join(dataDir, name), held);
    await expect(serve({ DATA_DIR: dataDir }, 'listening')).rejects.toThrow(`it ended: contacts: ${join(dataDir, name)}: must hold 32 bytes in base64`);
  }
});

const secrets = { JWT_SECRET, ENCRYPTION_KEY: Buffer.alloc(32, 1).toString('base64') };

test.each([
  ['where no folder can be made', () => '/proc/contacts', 'no folder can be made there'],
  ['far below such a place', () => '/proc/contacts/a/b', 'no folder can be made there'],
  ['where a file is', () => fileIn(temporaryFolder()), 'a file is in its place'],
  ['below a file', () => join(fileIn(temporaryFolder()), 'data'), 'a file is in its place, or in that of a folder above it'],
])('with a DATA_DIR %s it does not start, and says so', async (_, make, why) => {
  const dataDir = make();
  for (const environment of [{}, secrets]) {
    await expect(serve({ DATA_DIR: dataDir, ...environment }, 'listening')).rejects.toThrow(`it ended: contacts: DATA_DIR ${dataDir}: ${why}`);
  }
});

test('at a port that is taken, or an address that is not of this machine, it does not start, and names the setting', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const PORT = String((other.address() as AddressInfo).port);
  await expect(serve({ PORT }, 'listening')).rejects.toThrow(`it ended: contacts: PORT ${PORT}: another program listens there, at 127.0.0.1\n`);
  other.close();
  await expect(serve({ HOST: '192.0.2.1' }, 'listening')).rejects.toThrow('it ended: contacts: HOST 192.0.2.1: is no address of this machine\n');
});

function fileIn(folder: string): string {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  return file;
}
