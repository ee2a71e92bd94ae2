// Reading an organization's events over HTTP from the first on, beside raw SQLite reading and
// parsing the same rows; and how long after a write's answer those who follow the stream have it.

import { Agent, get, request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Sqlite from 'libsql';
import { median, type Bench } from './support/figures.js';
import { scratchFolder, startService, tokenFor, type Running } from './support/processes.js';
import { seedContacts } from './support/seeding.js';

const CONTACTS = 20_000;
const PAGE = 1_000;
const ROUNDS = 5;
const CLIENTS = 100;
const WRITES_PER_SECOND = 200;
const SECONDS = 10;

const headers = { Authorization: `Bearer ${tokenFor('org_bench')}` };
const agent = new Agent({ keepAlive: true });

interface Reading {
  events: number;
  rate: number;
  /** Processor time of the service for an event, in µs. */
  cpu: number;
}

export const eventsBench: Bench = {
  name: 'events',
  about: `GET /events of an organization of ${CONTACTS.toLocaleString('en-US')} contacts, ${PAGE.toLocaleString('en-US')} at a time, by one reader`,
  run: async (say) => {
    const folder = scratchFolder();
    await seedContacts(folder, CONTACTS);
    const service = await startService(folder);
    const first = await readAll(service);
    say(`${first.events.toLocaleString('en-US')} events; the first time, when every key is still to be unwrapped: ${Math.round(first.rate).toLocaleString('en-US')}/s`);
    const rounds: { own: Reading; raw: number }[] = [];
    for (let round = 0; round < ROUNDS; round += 1) rounds.push({ own: await readAll(service), raw: rawRate(join(folder, 'contacts.sqlite')) });
    await service.stop();
    const note = `${median(rounds.map(({ own }) => own.cpu)).toFixed(1)} µs of processor time an event`;
    return [
      { name: 'GET /events, events', value: median(rounds.map(({ own }) => own.rate)), unit: '/s', asked: { atLeast: 50_000 }, note },
      { name: 'raw SQLite reading and parsing the same rows', value: median(rounds.map(({ raw }) => raw)), unit: '/s' },
      { name: 'GET /events of raw SQLite', value: median(rounds.map(({ own, raw }) => own.rate / raw)), unit: 'ratio' },
    ];
  },
};

async function readAll(service: Running): Promise<Reading> {
  const [startedAt, cpuBefore] = [performance.now(), service.cpu()];
  let events = 0;
  for (let after = '0'; ; ) {
    const page = await readPage(`${service.origin}/api/v1/events?limit=${PAGE}&after=${after}`);
    if (page.events === 0) break;
    events += page.events;
    after = page.next;
  }
  return { events, rate: events / ((performance.now() - startedAt) / 1_000), cpu: ((service.cpu() - cpuBefore) / events) * 1e6 };
}

/** Not parsed: the reader is to be no slower than the service. */
async function readPage(url: string): Promise<{ events: number; next: string }> {
  const [response] = (await once(get(url, { agent, headers }), 'response')) as [IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  const body = Buffer.concat(parts);
  const next = /"nextPosition":"([^"]+)"\}$/.exec(body.subarray(-100).toString())?.[1];
  if (response.statusCode !== 200 || next === undefined) throw new Error(`answered ${response.statusCode}: ${body.subarray(0, 200).toString()}`);
  let events = 0;
  for (let at = body.indexOf('{"specversion":'); at !== -1; at = body.indexOf('{"specversion":', at + 1)) events += 1;
  return { events, next };
}

function rawRate(file: string): number {
  const database = new Sqlite(file, { readonly: true });
  const statement = database.prepare('SELECT * FROM events WHERE position > ? ORDER BY position LIMIT ?');
  const startedAt = performance.now();
  let events = 0;
  for (let after = 0; ; ) {
    const rows = statement.all([after, PAGE]) as { position: number; data: string; metadata: string }[];
    for (const { data, metadata } of rows) events += JSON.parse(data) !== null && JSON.parse(metadata) !== null ? 1 : 0;
    if (rows.length < PAGE) break;
    after = rows.at(-1)?.position ?? after;
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  database.close();
  return events / seconds;
}

export const streamBench: Bench = {
  name: 'stream',
  about: `from a write's answer to ${CLIENTS} clients of GET /events/stream, at ${WRITES_PER_SECOND} writes a second`,
  run: async () => {
    const service = await startService(scratchFolder());
    const arrivals = new Map<string, number[]>();
    const followers = await Promise.all(Array.from({ length: CLIENTS }, () => followEvents(service, arrivals)));
    const answered = await writeSteadily(service);
    const complete = () => [...answered.keys()].every((id) => arrivals.get(id)?.length === CLIENTS);
    for (let waited = 0; !complete() && waited < 10_000; waited += 100) await sleep(100);
    const whole = complete();
    followers.forEach((follower) => follower.destroy());
    await service.stop();
    if (!whole) throw new Error('not every client was told of every write');
    const latencies = [...answered].flatMap(([id, at]) => (arrivals.get(id) ?? []).map((arrival) => Math.max(0, arrival - at))).sort((a, b) => a - b);
    const note = `${latencies.length.toLocaleString('en-US')} arrivals`;
    return [
      { name: 'from the answer to the client, median', value: median(latencies), unit: 'ms', note },
      { name: 'from the answer to the client, p99', value: latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN, unit: 'ms', asked: { atMost: 20 } },
    ];
  },
};

/** A client of the stream, which notes when it is told of a contact. */
async function followEvents(service: Running, arrivals: Map<string, number[]>): Promise<IncomingMessage> {
  const [response] = (await once(get(`${service.origin}/api/v1/events/stream`, { headers, agent: false }), 'response')) as [IncomingMessage];
  let rest = '';
  response.setEncoding('latin1').on('error', () => undefined);
  response.on('data', (text: string) => {
    const now = performance.now();
    const blocks = (rest + text).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const id = /"subject":"([^"]+)"/.exec(block)?.[1];
      if (id === undefined) continue;
      const known = arrivals.get(id);
      if (known === undefined) arrivals.set(id, [now]);
      else known.push(now);
    }
  });
  return response;
}

/** Creates contacts at a steady rate, however long each takes; returns when each was answered, by id. */
async function writeSteadily(service: Running): Promise<Map<string, number>> {
  const answered = new Map<string, number>();
  const writes: Promise<void>[] = [];
  const startedAt = performance.now();
  for (let made = 0; made < WRITES_PER_SECOND * SECONDS; made += 1) {
    await sleep(Math.max(0, startedAt + (made * 1_000) / WRITES_PER_SECOND - performance.now()));
    writes.push(create(service).then(({ id, at }) => void answered.set(id, at)));
  }
  await Promise.all(writes);
  return answered;
}

async function create(service: Running): Promise<{ id: string; at: number }> {
  const sent = request(`${service.origin}/api/v1/contacts`, { agent, method: 'POST', headers: { ...headers, 'Content-Type': 'application/json' } });
  sent.end(JSON.stringify({ name: 'Ada Lovelace', email: 'ada@example.com' }));
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const at = performance.now();
  let text = '';
  for await (const part of response) text += String(part);
  if (response.statusCode !== 201) throw new Error(`answered ${response.statusCode}: ${text}`);
  return { id: (JSON.parse(text) as { id: string }).id, at };
}
