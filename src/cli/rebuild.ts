// `contacts rebuild`: makes read models anew from the events.

import { rebuildOperation } from '../operations/rebuild.js';
import { command } from './command.js';
import { operate } from './operate.js';
import { projectionNamed } from './projections.js';

export const rebuildCommand = command({
  synopsis: 'rebuild [PROJECTION]',
  help: [
    'make read models anew from the events, one or all; reads and writes go on',
    'interrupted, it goes on where it was when it is called again',
  ],
  options: {},
  positionals: { min: 0, max: 1 },
  run: async (_options, [name]) => {
    const { rebuilt } = await operate(rebuildOperation, { projection: projectionNamed(name) });
    for (const { projection, events } of rebuilt) console.log(`${projection}: made anew from ${events.toLocaleString('en-US')} events`);
  },
});
