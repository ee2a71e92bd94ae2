// Seeding an organization through the real event path, beside raw SQLite writing the same events,
// documents and indexes.

import { join } from 'node:path';
import { median, type Bench } from './support/figures.js';
import { scratchFolder } from './support/processes.js';
import { rawSqliteRate } from './support/rawSqlite.js';
import { seedContacts } from './support/seeding.js';

/** BENCH_SEED_CONTACTS: how many contacts; 1000000 takes minutes. */
const CONTACTS = Number(process.env.BENCH_SEED_CONTACTS ?? 100_000);
/** How many contacts raw SQLite writes in a transaction: as many as seeding alone does. */
const RAW_GROUP = 5_000;
/** A million in three minutes. */
const ASKED_PER_SECOND = 5_600;

export const seedBench: Bench = {
  name: 'seed',
  about: `seeding ${CONTACTS.toLocaleString('en-US')} contacts`,
  run: async (say) => {
    const folder = scratchFolder();
    const seconds = await seedContacts(folder, CONTACTS);
    say(`took ${seconds.toFixed(1)} s`);
    const raws = [1, 2, 3].map(() => rawSqliteRate(join(folder, 'contacts.sqlite'), join(scratchFolder(), 'raw.sqlite'), RAW_GROUP));
    const [rate, raw] = [CONTACTS / seconds, median(raws)];
    return [
      { name: 'seed, contacts, the start of the process included', value: rate, unit: '/s', asked: { atLeast: ASKED_PER_SECOND } },
      { name: 'raw SQLite, the same events, documents and indexes', value: raw, unit: '/s', note: '20,000 of them' },
      { name: 'seed of raw SQLite', value: rate / raw, unit: 'ratio' },
    ];
  },
};
