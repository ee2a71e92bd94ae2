// A process that appends and follows while its connection to the double is cut again and again.
// Prints { appended, lost, repeated, missed }; anything that nobody caught ends it.

import { register } from 'node:module';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

register('../support/typescriptHooks.js', import.meta.url);
const { EventStoreDouble } = await import('../support/eventStoreDouble/server.js');
const { EventStoreDbLog } = await import('../../dist/platform/servers/eventStoreDbLog.js');

const WRITERS = 64;
const double = await EventStoreDouble.start();
const log = new EventStoreDbLog({ url: double.url, patience: { append: 60_000, read: 60_000 } });
const metadata = { schemaVersion: 1 };
const eventOf = (n) => ({ id: randomUUID(), type: 'ContactDeleted', data: { text: 'x'.repeat(2_000), n }, metadata });

const stop = new AbortController();
const seen = [];
const follow = async () => {
  for await (const { events } of log.subscribe(null, stop.signal)) seen.push(...events.map(({ id }) => id));
};
const following = Promise.all([follow()]);

const appended = [];
let writing = true;
const write = async () => {
  const stream = `contact-acme-${randomUUID()}`;
  for (let revision = -1; writing; ) {
    const events = [eventOf(1), eventOf(2)];
    const result = await log.append(stream, revision === -1 ? 'none' : revision, events);
    if (result.outcome !== 'appended') throw new Error(`${stream}: ${result.outcome} at ${revision}`);
    ({ revision } = result);
    appended.push(...events.map(({ id }) => id));
  }
};
const writers = Array.from({ length: WRITERS }, write);
const cuts = Number(process.argv[2] ?? 30);
for (let n = 0; n < cuts; n += 1) {
  await sleep(20 + (n % 7) * 15);
  if (n % 10 === 9) await double.connections.down().then(() => sleep(100)).then(() => double.connections.up());
  else double.connections.cut();
}
writing = false;
await Promise.all(writers);
while (seen.length < appended.length) await sleep(10);
stop.abort();
await following;
await log.close();
await double.stop();

const stored = [...double.log.page({ commit: 0n, prepare: 0n }, Infinity, Infinity, ({ stream }) => stream.startsWith('contact-')).records].map(({ id }) => id);
const kept = new Set(stored);
const count = (ids) => new Set(ids).size;
console.log(JSON.stringify({
  appended: appended.length,
  lost: appended.filter((id) => !kept.has(id)).length,
  repeated: stored.length - count(stored) + seen.length - count(seen),
  missed: stored.length - seen.length,
}));
