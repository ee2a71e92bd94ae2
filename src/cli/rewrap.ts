// `contacts rewrap`: moves the keys of personal data to the first ENCRYPTION_KEY.

import { rewrapOperation } from '../operations/rewrap.js';
import { command } from './command.js';
import { operate } from './operate.js';

export const rewrapCommand = command({
  synopsis: 'rewrap',
  help: [
    'wrap every key of personal data by the first ENCRYPTION_KEY; then the others can be taken away',
    'interrupted, it goes on where it was when it is called again',
  ],
  options: {},
  positionals: { min: 0, max: 0 },
  run: async () => {
    const { keys } = await operate(rewrapOperation, null);
    console.log(`moved ${keys.toLocaleString('en-US')} keys: the first ENCRYPTION_KEY is now the only one in use`);
  },
});
