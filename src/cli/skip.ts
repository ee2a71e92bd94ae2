// `contacts skip`: has an event gone past that cannot be projected or read.

import { userInfo } from 'node:os';
import { skipOperation } from '../operations/skip.js';
import { command } from './command.js';
import { operate } from './operate.js';
import { projectionNamed } from './projections.js';

const text = { type: 'string' } as const;

export const skipCommand = command({
  synopsis: 'skip POSITION [--projection NAME] [--reason TEXT]',
  help: [
    'have what is stopped at an event that it cannot project or read go past it, now and in every rebuild',
    'GET /health/ready names the position; that it was skipped, by whom and why, is recorded as an event',
  ],
  options: { projection: text, reason: text },
  positionals: { min: 1, max: 1 },
  run: async ({ projection, reason = '' }, [position = '']) => {
    const request = { position, projection: projectionNamed(projection), reason, actor: operator() };
    const { skipped, stopped } = await operate(skipOperation, request);
    console.log(`${skipped.join(', ')}: went past the event at position ${position}`);
    for (const line of stopped) console.error(`contacts: ${line}`);
    if (stopped.length > 0) process.exitCode = 1;
  },
});

/** Who runs this command, as the machine knows them. */
function operator(): string {
  try {
    return `operator:${userInfo().username}`;
  } catch {
    return `operator:${process.getuid?.() ?? 'unknown'}`;
  }
}
