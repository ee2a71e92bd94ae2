// Reading an organization's events over HTTP from the first on, beside raw SQLite reading and
// parsing the same rows and a bare server that has the page ready; how long others wait meanwhile;
// and how long after a write's answer those who follow the stream have it.

import { Agent, get, request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import Sqlite from 'libsql';
import type { Followed } from './support/followers.js';
import { machine, median, type Bench } from './support/figures.js';
import { scratchFolder, startBaseline, startService, tokenFor, type Running } from './support/processes.js';
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
  /** Processor time for an event, in µs: of the service, and of this process, which parses what comes. */
  cpu: number;
  ownCpu: number;
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
    const page = join(folder, 'page.json');
    writeFileSync(page, await bodyOf(`${service.origin}/api/v1/events?limit=${PAGE}`));
    const bare = await startBaseline('koa', { ANSWER_FILE: page });
    const rounds: { own: Reading; raw: number; bare: number }[] = [];
    for (let round = 0; round < ROUNDS; round += 1) rounds.push({ own: await readAll(service), raw: rawRate(join(folder, 'contacts.sqlite')), bare: await bareRate(bare) });
    const [alone, meanwhile] = [await healthP99(service, sleep(2_000)), await healthP99(service, readAll(service, false))];
    await Promise.all([service.stop(), bare.stop()]);
    const middle = (of: (round: (typeof rounds)[number]) => number) => median(rounds.map(of));
    const note = `processor time an event: ${middle(({ own }) => own.cpu).toFixed(1)} µs, and ${middle(({ own }) => own.ownCpu).toFixed(1)} µs of the reader, who parses it; ${machine()}`;
    return [
      { name: 'GET /events, events', value: middle(({ own }) => own.rate), unit: '/s', asked: { atLeast: 50_000 }, note },
      { name: 'raw SQLite reading and parsing the same rows', value: middle(({ raw }) => raw), unit: '/s' },
      { name: 'GET /events of raw SQLite', value: middle(({ own, raw }) => own.rate / raw), unit: 'ratio' },
      { name: 'bare Koa with the page ready, same reader', value: middle((round) => round.bare), unit: '/s' },
      { name: 'GET /events of bare Koa', value: middle((round) => round.own.rate / round.bare), unit: 'ratio' },
      { name: 'another request, alone, p99', value: alone, unit: 'ms' },
      { name: 'another request while events are read, p99', value: meanwhile, unit: 'ms' },
    ];
  },
};

/** Reads on to the end; each page is parsed, or only looked through. */
async function readAll(service: Running, parsed = true): Promise<Reading> {
  const [startedAt, cpuBefore, ownBefore] = [performance.now(), service.cpu(), process.cpuUsage()];
  let events = 0;
  for (let after = '0'; ; ) {
    const body = await bodyOf(`${service.origin}/api/v1/events?limit=${PAGE}&after=${after}`);
    const page = parsed ? parse(body) : lookThrough(body);
    if (page.events === 0) break;
    events += page.events;
    after = page.next;
  }
  const own = process.cpuUsage(ownBefore);
  const rate = events / ((performance.now() - startedAt) / 1_000);
  return { events, rate, cpu: ((service.cpu() - cpuBefore) / events) * 1e6, ownCpu: (own.user + own.system) / events };
}

async function bareRate(bare: Running): Promise<number> {
  const [startedAt, pages] = [performance.now(), CONTACTS / PAGE];
  for (let page = 0; page < pages; page += 1) parse(await bodyOf(`${bare.origin}/`));
  return CONTACTS / ((performance.now() - startedAt) / 1_000);
}

async function bodyOf(url: string): Promise<Buffer> {
  const [response] = (await once(get(url, { agent, headers }), 'response')) as [IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  const body = Buffer.concat(parts);
  if (response.statusCode !== 200) throw new Error(`answered ${response.statusCode}: ${body.subarray(0, 200).toString()}`);
  return body;
}

function parse(body: Buffer): { events: number; next: string } {
  const { data, nextPosition } = JSON.parse(body.toString()) as { data: unknown[]; nextPosition: string };
  return { events: data.length, next: nextPosition };
}

/** Takes no time in which this process could not tell how long something else takes. */
function lookThrough(body: Buffer): { events: number; next: string } {
  const next = /"nextPosition":"([^"]+)"\}$/.exec(body.subarray(-100).toString())?.[1] ?? '';
  let events = 0;
  for (let at = body.indexOf('{"specversion":'); at !== -1; at = body.indexOf('{"specversion":', at + 1)) events += 1;
  return { events, next };
}

/** How long /health/live takes, asked every few ms until `during` is over. */
async function healthP99(service: Running, during: Promise<unknown>): Promise<number> {
  let over = false;
  const ended = during.finally(() => (over = true));
  const times: number[] = [];
  while (!over) {
    const startedAt = performance.now();
    await bodyOf(`${service.origin}/health/live`);
    times.push(performance.now() - startedAt);
    await sleep(2);
  }
  await ended;
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length * 0.99)] ?? Number.NaN;
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
  run: async (say) => {
    const service = await startService(scratchFolder());
    const followers = await startFollowers(service);
    const [cpuBefore, ownBefore] = [service.cpu(), process.cpuUsage()];
    const answered = await writeSteadily(service);
    const own = process.cpuUsage(ownBefore);
    const expected = answered.size * CLIENTS;
    const followed = await followers.told(expected);
    const cpu = ((service.cpu() - cpuBefore) / expected) * 1e6;
    await service.stop();
    if (followed.arrivals.length !== expected) throw new Error('not every client was told of every write');
    say(`processor time an arrival, in µs: ${cpu.toFixed(1)} of the service, the writes in it; ${followed.cpu.toFixed(1)} of the clients; and ${((own.user + own.system) / answered.size).toFixed(0)} for a write of who writes; ${machine()}`);
    const latencies = followed.arrivals.map(([id, at]) => Math.max(0, at - (answered.get(id) ?? Number.NaN))).sort((a, b) => a - b);
    return [
      { name: 'from the answer to the client, median', value: median(latencies), unit: 'ms', note: `${latencies.length.toLocaleString('en-US')} arrivals` },
      { name: 'from the answer to the client, p99', value: latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN, unit: 'ms', asked: { atMost: 20 } },
    ];
  },
};

async function startFollowers(service: Running): Promise<{ told(arrivals: number): Promise<Followed> }> {
  const child = fork(fileURLToPath(new URL('./support/followers.js', import.meta.url)), [service.origin, String(CLIENTS)], {
    env: { PATH: process.env.PATH, TOKEN: tokenFor('org_bench') },
    serialization: 'advanced',
  });
  process.once('exit', () => child.kill('SIGKILL'));
  await once(child, 'message');
  return {
    told: async (arrivals) => {
      child.send(arrivals);
      const [followed] = (await once(child, 'message')) as [Followed];
      return followed;
    },
  };
}

/** Creates contacts at a steady rate, however long each takes; returns when each was answered, in ms since 1970, by id. */
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
  const at = performance.timeOrigin + performance.now();
  let text = '';
  for await (const part of response) text += String(part);
  if (response.statusCode !== 201) throw new Error(`answered ${response.statusCode}: ${text}`);
  return { id: (JSON.parse(text) as { id: string }).id, at };
}
