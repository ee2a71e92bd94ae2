// Starting on a large store: time to the first answer, memory when idle.

import { setTimeout as sleep } from 'node:timers/promises';
import { median, type Bench } from './support/figures.js';
import { load } from './support/load.js';
import { scratchFolder, startService, tokenFor } from './support/processes.js';

const EVENTS = 100_000;
const ROUNDS = 5;

export const startBench: Bench = {
  name: 'start',
  about: `start to the first answer on a store of ${EVENTS.toLocaleString('en-US')} events, and idle memory`,
  run: async (say) => {
    const folder = scratchFolder();
    await fill(folder, say);
    const starts: number[] = [];
    const memories: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const service = await startService(folder);
      starts.push(service.startedInMs);
      await sleep(2_000);
      memories.push(service.memory());
      await service.stop();
    }
    return [
      { name: 'start to the first answer', value: median(starts), unit: 'ms', asked: { atMost: 1_000 } },
      { name: 'idle memory', value: median(memories), unit: 'MB', asked: { atMost: 120 } },
    ];
  },
};

async function fill(folder: string, say: (line: string) => void): Promise<void> {
  const service = await startService(folder);
  const headers = { Authorization: `Bearer ${tokenFor('org_bench')}`, 'Content-Type': 'application/json' };
  const path = '/api/v1/contacts';
  const body = JSON.stringify({ name: 'Ada Lovelace', email: 'ada@example.com', metadata: { department: 'Engines' } });
  for (let total = 0; total < EVENTS; ) {
    await load({ server: service, path, method: 'POST', headers, body, connections: 64, seconds: 5 });
    total = ((await (await fetch(`${service.origin}${path}?limit=1`, { headers })).json()) as { total: number }).total;
    say(`${total.toLocaleString('en-US')} of ${EVENTS.toLocaleString('en-US')} events`);
  }
  await service.stop();
}
