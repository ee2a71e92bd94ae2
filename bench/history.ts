// Reading a long history over HTTP, beside reading the contact itself; and contacts as of an earlier
// time, beside the same questions about now.

import { setTimeout as sleep } from 'node:timers/promises';
import { median, type Bench, type Figure } from './support/figures.js';
import { costs, expectOnly, load, rate, ratio, sideBySide } from './support/load.js';
import { scratchFolder, startService, tokenFor, type Running } from './support/processes.js';
import { seedContacts } from './support/seeding.js';

const CONNECTIONS = 64;
const SECONDS = 3;
const ROUNDS = 3;
const EVENTS = 100;

const headers = { Authorization: `Bearer ${tokenFor('org_bench')}`, 'Content-Type': 'application/json' };

async function send(origin: string, method: string, path: string, body: unknown): Promise<{ id: string }> {
  const answer = await fetch(`${origin}/api/v1${path}`, { method, headers, body: JSON.stringify(body) });
  return (await answer.json()) as { id: string };
}

/** How many histories are asked for in turn: more than memory keeps pages of. */
const MANY = 640;
const WRITERS = 32;

const history: Bench = {
  name: 'history',
  about: `GET /contacts/{id}/history of ${EVENTS} events, ${CONNECTIONS} connections: the same one again, as the GET beside it, and those of ${MANY} contacts in turn`,
  run: async (say) => {
    const service = await startService(scratchFolder());
    const ids = await withHistories(service.origin);
    say(`${MANY} contacts of ${EVENTS} events each`);
    const read = async (path: string | (() => string)) => expectOnly(await load({ server: service, path, headers, connections: CONNECTIONS, seconds: SECONDS }), 200);
    const [long, one] = await sideBySide(
      ROUNDS,
      () => read(`/api/v1/contacts/${ids[0]}/history`),
      () => read(`/api/v1/contacts/${ids[0]}`),
    );
    let next = 0;
    const [inTurn, oneInTurn] = await sideBySide(
      ROUNDS,
      () => read(() => `/api/v1/contacts/${ids[(next += 1) % MANY]}/history`),
      () => read(() => `/api/v1/contacts/${ids[(next += 1) % MANY]}`),
    );
    await service.stop();
    return [
      { name: `GET of a history of ${EVENTS} events, the same again`, value: rate(long), unit: '/s' },
      { name: 'GET /contacts/{id} in the same run', value: rate(one), unit: '/s' },
      { name: 'GET of a history of GET of the contact', value: ratio(long, one), unit: 'ratio', asked: { atLeast: 0.3 }, note: costs(long, one) },
      { name: 'GET of histories that are not in memory', value: rate(inTurn), unit: '/s' },
      { name: 'those of GET of the same contacts in turn', value: ratio(inTurn, oneInTurn), unit: 'ratio', asked: { atLeast: 0.3 }, note: costs(inTurn, oneInTurn) },
    ];
  },
};

/** Makes contacts with as many events each; returns their ids. */
async function withHistories(origin: string): Promise<string[]> {
  const ids: string[] = [];
  let begun = 0;
  const write = async () => {
    while ((begun += 1) <= MANY) {
      const { id } = await send(origin, 'POST', '/contacts', { name: 'John Smith', email: 'john.smith@acme.com', metadata: { title: 'Sales Director' } });
      for (let n = 1; n < EVENTS; n += 1) await send(origin, 'PUT', `/contacts/${id}`, { metadata: { title: `Director ${n}` } });
      ids.push(id);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
  return ids;
}

const CONTACTS = Number(process.env.BENCH_CONTACTS ?? 100_000);
/** How many of them change after the time that is asked about. */
const CHANGED = CONTACTS / 5;
const ASKED_MS = { hierarchy: 2_000, list: 2_000, one: 20 };

const asOf: Bench = {
  name: 'asof',
  about: `${CONTACTS} contacts as of a time after which ${CHANGED} of them changed`,
  run: async (say) => {
    const folder = scratchFolder();
    say(`seeded in ${(await seedContacts(folder, CONTACTS)).toFixed(0)} s`);
    const service = await startService(folder);
    const ids = await someIds(service.origin);
    const instant = new Date().toISOString();
    await sleep(5);
    await changeAll(service.origin, ids);
    const figures: Figure[] = [];
    for (const [name, path, atMost] of [
      ['hierarchy', '/contacts/hierarchy', ASKED_MS.hierarchy],
      ['list', '/contacts', ASKED_MS.list],
      ['one contact', `/contacts/${ids[0]}`, ASKED_MS.one],
    ] as const) {
      const took: Took[] = [];
      for (let round = 0; round < ROUNDS; round += 1) took.push(await timed(service, path), await timed(service, `${path}?asOf=${instant}`));
      const [now, then] = [0, 1].map((parity) => took.filter((_, index) => index % 2 === parity)) as [Took[], Took[]];
      const [middle, cpu] = [median(then.map(({ ms }) => ms)), median(then.map((one) => one.cpu))];
      const waited = Math.max(...then.map(({ othersWaited }) => othersWaited));
      const note = `now: ${median(now.map(({ ms }) => ms)).toFixed(0)} ms; processor time ${cpu.toFixed(0)} ms; meanwhile another GET took ${waited.toFixed(0)} ms at most`;
      figures.push({ name: `${name} as of an earlier time`, value: middle, unit: 'ms', asked: { atMost }, note });
    }
    await service.stop();
    return figures;
  },
};

/** The ids of the contacts to change. */
async function someIds(origin: string): Promise<string[]> {
  const ids: string[] = [];
  for (let query = 'limit=100'; query !== '' && ids.length < CHANGED; ) {
    const answer = await fetch(`${origin}/api/v1/contacts?${query}`, { headers });
    const { data, nextCursor } = (await answer.json()) as { data: { id: string }[]; nextCursor: string | null };
    ids.push(...data.map(({ id }) => id));
    query = nextCursor === null ? '' : `limit=100&cursor=${nextCursor}`;
  }
  return ids.slice(0, CHANGED);
}

async function changeAll(origin: string, ids: readonly string[]): Promise<void> {
  const rest = ids.values();
  const worker = async () => {
    for (const id of rest) await send(origin, 'PUT', `/contacts/${id}`, { metadata: { title: 'Changed since' } });
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
}

interface Took {
  ms: number;
  cpu: number;
  othersWaited: number;
}

/** One GET, read to its end, while another client goes on asking for something small. */
async function timed(service: Running, path: string): Promise<Took> {
  let done = false;
  let othersWaited = 0;
  const other = (async () => {
    for (; !done; await sleep(2)) {
      const startedAt = performance.now();
      await (await fetch(`${service.origin}/api/v1/contacts?limit=1`, { headers })).arrayBuffer();
      othersWaited = Math.max(othersWaited, performance.now() - startedAt);
    }
  })();
  const [startedAt, cpuBefore] = [performance.now(), service.cpu()];
  const answer = await fetch(`${service.origin}/api/v1${path}`, { headers });
  if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}`);
  await answer.arrayBuffer();
  const took = { ms: performance.now() - startedAt, cpu: (service.cpu() - cpuBefore) * 1_000 };
  done = true;
  await other;
  return { ...took, othersWaited };
}

export const historyBenches: readonly Bench[] = [history, asOf];
