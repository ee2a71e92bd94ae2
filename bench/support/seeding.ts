// A store filled by `contacts seed`, in a process of its own.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const contacts = fileURLToPath(new URL('../../../bin/contacts.js', import.meta.url));

/** Makes `count` contacts of the organization `org_bench` in the folder; returns how many seconds it took. */
export async function seedContacts(folder: string, count: number): Promise<number> {
  const startedAt = performance.now();
  await promisify(execFile)(process.execPath, [contacts, 'seed', '--org', 'org_bench', '--contacts', String(count)], {
    env: { PATH: process.env.PATH, DATA_DIR: folder, JWT_SECRET: 'a secret for benches only', ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64') },
    maxBuffer: 2 ** 24,
  });
  return (performance.now() - startedAt) / 1_000;
}
