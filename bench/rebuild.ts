// Rebuilding and verifying the read model of contacts, beside raw SQLite inserting the same rows
// into the same indexes.

import { execFile } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { rawDocumentsRate } from './support/rawSqlite.js';
import { median, type Bench } from './support/figures.js';
import { scratchFolder } from './support/processes.js';

const CONTACTS = 100_000;
const ROUNDS = 3;
/** How many rows raw SQLite inserts in a transaction: as many as the rebuild. */
const RAW_GROUP = 6_000;

interface Taken {
  count: number;
  seconds: number;
  peakMb: number;
}

export const rebuildBench: Bench = {
  name: 'rebuild',
  about: `rebuild and verify of ${CONTACTS.toLocaleString('en-US')} contacts`,
  run: async (say) => {
    const folder = scratchFolder();
    say(`making ${CONTACTS.toLocaleString('en-US')} contacts`);
    await contacts(folder, 'seed', '--org', 'org_bench', '--contacts', String(CONTACTS));
    const rebuilds: Taken[] = [];
    const raws: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      // A copy for each: what a rebuild replaces is dropped in the background, which would disturb the next.
      const copy = scratchFolder();
      cpSync(folder, copy, { recursive: true });
      const taken = await once(copy, 'rebuild');
      rebuilds.push(taken);
      raws.push(rawDocumentsRate(join(folder, 'contacts.sqlite'), join(scratchFolder(), 'raw.sqlite'), CONTACTS, RAW_GROUP));
      say(`${Math.round(taken.count / taken.seconds).toLocaleString('en-US')} events/s, raw ${Math.round(raws.at(-1) ?? 0).toLocaleString('en-US')} documents/s`);
    }
    const verified = await once(folder, 'verify');
    const rates = rebuilds.map(({ count, seconds }) => count / seconds);
    // Of documents, as raw SQLite inserts documents: rows a second beside rows a second.
    const documents = rebuilds.map(({ seconds }) => CONTACTS / seconds);
    const peaks = [...rebuilds, verified].map(({ peakMb }) => peakMb);
    return [
      { name: 'rebuild, events', value: median(rates), unit: '/s', asked: { atLeast: 20_000 } },
      { name: 'raw SQLite, the same documents and indexes', value: median(raws), unit: '/s' },
      { name: 'rebuild of raw SQLite, documents', value: median(documents.map((rate, round) => rate / (raws[round] ?? Number.NaN))), unit: 'ratio', asked: { atLeast: 0.3 } },
      { name: 'verify, documents', value: verified.count / verified.seconds, unit: '/s' },
      { name: 'memory of rebuild and verify, at most', value: Math.max(...peaks), unit: 'MB', asked: { atMost: 300 } },
    ];
  },
};

const run = promisify(execFile);
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const secrets = { JWT_SECRET: 'a secret for benches only, long enough to be one', ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64') };

async function contacts(dataDir: string, ...args: string[]): Promise<void> {
  await run(process.execPath, [path('../../bin/contacts.js'), ...args], { env: { PATH: process.env.PATH, DATA_DIR: dataDir, ...secrets } });
}

async function once(dataDir: string, what: 'rebuild' | 'verify'): Promise<Taken> {
  const { stdout } = await run(process.execPath, [path('./support/rebuildOnce.js'), dataDir, what]);
  return JSON.parse(stdout) as Taken;
}
