// Runs the benches named on the command line, or all of them, and prints their figures.
// Exit status 1 when a figure is not as asked.

import { contactBenches } from './contacts.js';
import { historyBenches } from './history.js';
import { eventsBench, streamBench } from './events.js';
import { eventStoreDbBench } from './eventStoreDb.js';
import { mongoBench } from './mongo.js';
import { rebuildBench } from './rebuild.js';
import { seedBench } from './seed.js';
import { startBench } from './start.js';
import { webhookBenches } from './webhooks.js';
import { isMet, lineOf, type Bench, type Figure } from './support/figures.js';

const benches: readonly Bench[] = [...contactBenches, ...historyBenches, eventsBench, streamBench, startBench, rebuildBench, seedBench, eventStoreDbBench, mongoBench, ...webhookBenches];

const names = process.argv.slice(2);
const unknown = names.find((name) => !benches.some((bench) => bench.name === name));
if (unknown !== undefined) {
  console.error(`bench: no such bench: ${unknown}; there are ${benches.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
const figures: Figure[] = [];
for (const bench of benches) {
  if (names.length > 0 && !names.includes(bench.name)) continue;
  console.log(`\n${bench.name}: ${bench.about}`);
  const measured = await bench.run((line) => console.log(`  ${line}`));
  for (const figure of measured) console.log(lineOf(figure));
  figures.push(...measured);
}
process.exitCode = figures.some((figure) => isMet(figure) === false) ? 1 : 0;
