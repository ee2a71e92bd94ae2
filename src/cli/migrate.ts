// `contacts migrate`: from the embedded store to EventStoreDB.

import { readSettings } from '../config.js';
import { migrate } from '../operations/migrate.js';
import { command } from './command.js';
import { interruption } from './operate.js';
import { showProgress } from './progress.js';
import { withSecrets } from './secrets.js';
import { UsageError } from './usage.js';

const text = { type: 'string' } as const;

export const migrateCommand = command({
  synopsis: 'migrate --from DATA_DIR --to EVENTSTORE_URL',
  help: [
    'copy all events of an embedded store to EventStoreDB, and compare; no service may run on either',
    'keys go to MongoDB when MONGODB_URL is set; interrupted, it goes on where it was when it is called again',
  ],
  options: { from: text, to: text },
  positionals: { min: 0, max: 0 },
  run: async ({ from, to }) => {
    if (from === undefined || from === '') throw new UsageError('migrate: --from is missing');
    if (to === undefined || to === '') throw new UsageError('migrate: --to is missing');
    await migrateStore(from, to);
  },
});

async function migrateStore(dataDir: string, url: string): Promise<void> {
  const settings = readSettings({ ...process.env, DATA_DIR: dataDir, EVENTSTORE_URL: url });
  const { MONGODB_URL } = settings;
  const encryptionKey = () => withSecrets(settings).ENCRYPTION_KEY ?? '';
  const { openMigration } = await import('../migration.js');
  const sides = await openMigration({ dataDir, eventStoreUrl: url, mongoUrl: MONGODB_URL, encryptionKey });
  const progress = showProgress(process.stderr);
  try {
    const { events, streams, copied, keys, more } = await migrate({ ...sides, report: progress.report, signal: interruption() });
    progress.end();
    const count = (value: number) => value.toLocaleString('en-US');
    console.log(`${count(events)} events in ${count(streams)} streams are there as they were, ${count(copied)} copied now`);
    console.log(MONGODB_URL === undefined ? `keys stay in ${dataDir}` : `${count(keys)} keys are in MongoDB`);
    if (more > 0) console.log(`${count(more)} events were written there since`);
  } finally {
    progress.end();
    await sides.close();
  }
}
