// What is loaded when: the clients of servers only where a server is named, and by a command what it needs.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const run = promisify(execFile);
const built = (name: string) => new URL(`../../dist/${name}.js`, import.meta.url).href;

/** The packages of `names` that are loaded once `script` has run, in a process of its own. */
async function loaded(script: string, names: readonly string[]): Promise<string[]> {
  const tell = `console.log(JSON.stringify(Object.keys((await import('node:module')).createRequire(import.meta.url).cache)))`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', `${script};${tell}`], { cwd: fileURLToPath(new URL('../..', import.meta.url)) });
  const files = JSON.parse(stdout) as string[];
  return names.filter((name) => files.some((file) => file.includes(`/node_modules/${name}/`)));
}

const clients = ['mongodb', '@eventstore/db-client', '@grpc/grpc-js'];

test('a command is there without what only the service needs', async () => {
  expect(await loaded(`await import('${built('main')}')`, [...clients, 'koa', 'rxjs', 'undici', 'libsql'])).toEqual(['libsql']);
});

test('the whole service is there without the clients of EventStoreDB and MongoDB', async () => {
  expect(await loaded(`await import('${built('service')}')`, [...clients, 'koa'])).toEqual(['koa']);
});

test('and with them, where they are used', async () => {
  const servers = ['mongoPlatform', 'eventStoreDbLog'].map((name) => `await import('${built(`platform/servers/${name}`)}')`);
  expect(await loaded(servers.join(';'), clients)).toEqual(clients);
});
