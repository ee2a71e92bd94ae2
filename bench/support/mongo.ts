// A MongoDB for benches: the server that TEST_MONGODB_URL names, else the stand-in of the tests,
// built and started here.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { scratchFolder } from './processes.js';

const source = fileURLToPath(new URL('../../../test/support/mongoServer', import.meta.url));

export interface MongoServer {
  /** Without a database. */
  url: string;
  isStandIn: boolean;
  stop(): Promise<void>;
}

/** @throws Error when no server is named and Go, which builds the stand-in, is not there */
export async function startMongo(): Promise<MongoServer> {
  const given = process.env.TEST_MONGODB_URL ?? '';
  if (given !== '') return { url: given, isStandIn: given.startsWith('mongodb://127.0.0.1'), stop: async () => undefined };
  const folder = scratchFolder();
  const program = join(folder, 'mongoserver');
  await promisify(execFile)('go', ['build', '-o', program, '.'], { cwd: source });
  mkdirSync(join(folder, 'data'));
  const child = spawn(program, ['0', join(folder, 'data')], { stdio: ['ignore', 'pipe', 'ignore'] });
  process.once('exit', () => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  const [url] = (await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    exited.then(() => Promise.reject(new Error('the stand-in for MongoDB did not start'))),
  ])) as [string];
  const stop = async () => {
    child.kill('SIGTERM');
    await exited;
  };
  return { url, isStandIn: true, stop };
}

/** The URL of a database on a server. */
export function databaseUrl(server: string, name: string): string {
  const [, hosts = '', options = ''] = /^(mongodb(?:\+srv)?:\/\/[^/?]+)[^?]*(\?.*)?$/.exec(server) ?? [];
  return `${hosts}/${name}${options}`;
}
