// `contacts backup` and `contacts restore`: copies of all that cannot be made again.

import { join, resolve } from 'node:path';
import { readSettings } from '../config.js';
import { restoreHost } from '../host.js';
import { backupOperation } from '../operations/backup.js';
import { command } from './command.js';
import { interruption, operate } from './operate.js';
import { showProgress } from './progress.js';

const count = (n: number) => n.toLocaleString('en-US');

export const backupCommand = command({
  synopsis: 'backup DIR',
  help: [
    'copy events, state and keys into a new folder DIR; reads and writes go on',
    'DIR/keys opens what personal data DIR/events holds: keep it elsewhere',
  ],
  options: {},
  positionals: { min: 1, max: 1 },
  run: async (_options, [folder = '']) => {
    const { events } = await operate(backupOperation, { folder: resolve(folder) });
    console.log(`backed up ${count(events)} events to ${folder}`);
  },
});

export const restoreCommand = command({
  synopsis: 'restore DIR [--keys DIR]',
  help: ['make a new DATA_DIR of a backup; no service may run on it', '--keys: where its keys are, or those of a later backup; DIR/keys'],
  options: { keys: { type: 'string' } },
  positionals: { min: 1, max: 1 },
  run: async ({ keys }, [folder = '']) => {
    const settings = readSettings(process.env);
    const progress = showProgress(process.stderr);
    const source = { folder: resolve(folder), keysFolder: resolve(keys ?? join(folder, 'keys')) };
    const { events } = await restoreHost(settings, source, progress.report, interruption()).finally(progress.end);
    console.log(`restored ${count(events)} events to ${settings.DATA_DIR}; read models are made at the next start`);
  },
});
