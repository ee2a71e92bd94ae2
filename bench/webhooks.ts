// Webhooks: how many are delivered in a second, how soon, and what dead endpoints cost the others.

import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { createServer as createSocketServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { signatures } from '../src/webhooks/signing.js';
import { benchKey, openWebhooks } from './support/openWebhooks.js';
import { median, type Bench, type Figure } from './support/figures.js';
import { startBaseline } from './support/processes.js';

const ORGANIZATIONS = 4;
const ENDPOINTS = 4;
const EVENTS = 1_000;
const DELIVERIES = ORGANIZATIONS * ENDPOINTS * EVENTS;
const IN_FLIGHT = ORGANIZATIONS * ENDPOINTS * 8;
const ROUNDS = 3;
/** How often it is looked whether all is done: looking costs, too. */
const LOOK_EVERY_MS = 100;

const throughput: Bench = {
  name: 'webhooks',
  about: `${DELIVERIES} deliveries derived, kept, posted, signed, recorded, to a receiver on this machine; beside bare posts by undici, signed, of the same bytes, as many at a time`,
  run: async (say) => {
    const sink = await startBaseline('sink');
    const rounds: { ours: Work; bare: Work }[] = [];
    for (let round = 0; round <= ROUNDS; round += 1) {
      const { sample, ...ours } = await deliverAll(sink.origin);
      const bare = await postAll(sink.origin, sample);
      if (round === 0) continue;
      say(`${said(ours)} beside ${said(bare)}`);
      rounds.push({ ours, bare });
    }
    await sink.stop();
    const [rate, bareRate] = [median(rounds.map(({ ours }) => ours.rate)), median(rounds.map(({ bare }) => bare.rate))];
    const [cpu, bareCpu] = [median(rounds.map(({ ours }) => ours.cpu)), median(rounds.map(({ bare }) => bare.cpu))];
    return [
      { name: 'deliveries, durable and logged', value: rate, unit: '/s', asked: { atLeast: 2_000 } },
      { name: 'beside bare signed posts', value: median(rounds.map(({ ours, bare }) => ours.rate / bare.rate)), unit: 'ratio', asked: { atLeast: 0.3 }, note: `${Math.round(bareRate)}/s` },
      { name: 'the same by processor time', value: median(rounds.map(({ ours, bare }) => bare.cpu / ours.cpu)), unit: 'ratio', note: `${Math.round(bareCpu)} µs beside ${Math.round(cpu)} µs` },
    ];
  },
};

interface Work {
  /** A second. */
  rate: number;
  /** Processor time of this process for each, in µs. */
  cpu: number;
}

const said = ({ rate, cpu }: Work) => `${Math.round(rate)}/s at ${Math.round(cpu)} µs`;

async function measured(work: () => Promise<void>): Promise<Work> {
  const [start, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return { rate: (DELIVERIES * 1_000) / (performance.now() - start), cpu: (user + system) / DELIVERIES };
}

/** Deliveries, from the events to the last record; `sample` is the body of one. */
async function deliverAll(origin: string): Promise<Work & { sample: Buffer }> {
  const service = await openWebhooks();
  const organizations = Array.from({ length: ORGANIZATIONS }, (_, index) => `org-${index}`);
  for (const organization of organizations) {
    for (let index = 0; index < ENDPOINTS; index += 1) await service.endpoint(organization, `${origin}/${index}`);
  }
  for (const organization of organizations) await Promise.all(Array.from({ length: EVENTS }, () => service.create(organization)));
  const work = await measured(async () => {
    service.start();
    for (let done = false; !done; await sleep(LOOK_EVERY_MS)) {
      const { queue, tries } = await service.webhooks.statistics();
      done = queue.pending === 0 && [...tries.values()].reduce((sum, { delivered }) => sum + delivered, 0) >= DELIVERIES;
    }
  });
  const sample = await service.body('org-0');
  await service.stop();
  return { ...work, sample };
}

/** Bare posts of the same bytes under the same headers. */
async function postAll(origin: string, body: Buffer): Promise<Work> {
  const agent = new Agent();
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'contacts-api-webhooks/1',
    'webhook-subject': randomUUID(),
    'webhook-sequence': '0',
  };
  let left = DELIVERIES;
  const poster = async () => {
    while (left > 0) {
      left -= 1;
      const id = `msg_${left}`;
      const timestamp = Math.floor(Date.now() / 1_000);
      const signed = { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signatures([benchKey], id, timestamp, body) };
      const answer = await request(`${origin}/0`, { method: 'POST', headers: { ...headers, ...signed }, body, dispatcher: agent });
      await answer.body.dump();
    }
  };
  const work = await measured(async () => void (await Promise.all(Array.from({ length: IN_FLIGHT }, poster))));
  await agent.close();
  return work;
}

const LATENCY_EVENTS = 1_000;

const latency: Bench = {
  name: 'webhook-latency',
  about: 'from the commit of an event to the first byte at the receiver, 100 events a second',
  run: async () => {
    const alone = await latencies({ organizations: 1, endpoints: 1, dead: 0, events: LATENCY_EVENTS, everyMs: 10 });
    return [{ name: 'commit to first byte, p99', value: alone, unit: 'ms', asked: { atMost: 50 } }];
  },
};

const isolation: Bench = {
  name: 'webhook-isolation',
  about: '200 endpoints of 20 organizations, 50 events a second, 10 deliveries each: the healthy ones while 30% are black holes, beside all of them healthy',
  run: async (say) => {
    const ratios: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const without = await latencies({ organizations: 20, endpoints: 10, dead: 0, events: 400, everyMs: 20 });
      const beside = await latencies({ organizations: 20, endpoints: 10, dead: 3, events: 400, everyMs: 20 });
      say(`p99 ${beside.toFixed(1)} ms beside ${without.toFixed(1)} ms`);
      ratios.push(beside / without);
    }
    const figure: Figure = { name: "the healthy ones' p99, beside 30% black holes", value: median(ratios), unit: 'ratio', asked: { atMost: 1.5 } };
    return [figure];
  },
};

interface Setting {
  organizations: number;
  /** Of each organization, and how many of them never answer. */
  endpoints: number;
  dead: number;
  events: number;
  everyMs: number;
}

/** The p99 from commit to the arrival at healthy endpoints, in ms. */
async function latencies({ organizations, endpoints, dead, events, everyMs }: Setting): Promise<number> {
  const arrivals: [string, number][] = [];
  const sink = createServer((incoming, response) => {
    arrivals.push([String(incoming.headers['webhook-subject']), performance.now()]);
    incoming.resume();
    incoming.on('end', () => response.writeHead(204).end());
  });
  const held = new Set<Socket>();
  const hole = createSocketServer((socket) => void held.add(socket.on('error', () => undefined)));
  const [sinkUrl, holeUrl] = [await listen(sink), await listen(hole as unknown as Server)];
  const service = await openWebhooks();
  for (let organization = 0; organization < organizations; organization += 1) {
    for (let index = 0; index < endpoints; index += 1) await service.endpoint(`org-${organization}`, `${index < dead ? holeUrl : sinkUrl}/${organization}/${index}`);
  }
  service.start();
  const committed = new Map<string, number>();
  const begin = performance.now();
  for (let index = 0; index < events; index += 1) {
    await sleep(Math.max(0, begin + index * everyMs - performance.now()));
    void service.create(`org-${index % organizations}`).then((id) => committed.set(id, performance.now()));
  }
  const expected = events * (endpoints - dead);
  for (const deadline = performance.now() + 60_000; arrivals.length < expected; await sleep(10)) {
    if (performance.now() > deadline) throw new Error(`${arrivals.length} of ${expected} deliveries arrived`);
  }
  for (const socket of held) socket.destroy();
  await service.stop();
  for (const server of [sink, hole]) server.close();
  // The first events open the connections.
  const warm = [...committed.keys()].slice(organizations);
  const kept = new Set(warm);
  const waits = arrivals.filter(([id]) => kept.has(id)).map(([id, at]) => at - (committed.get(id) ?? Number.NaN));
  return percentile(waits, 0.99);
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export const webhookBenches: readonly Bench[] = [throughput, latency, isolation];
