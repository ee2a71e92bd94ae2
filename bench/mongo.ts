// Catching up with EventStoreDB into MongoDB, beside what the bare client reads from the one and the
// bare driver bulk-writes of the same documents to the other. TEST_EVENTSTORE_URL (a server without
// events) and TEST_MONGODB_URL name the servers; else they are the double and the stand-in of the tests.

import { execFile } from 'node:child_process';
import { createSecretKey, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { EventStoreDBClient } from '@eventstore/db-client';
import { MongoClient, type Document, type IndexDescription } from 'mongodb';
import { emptyFields } from '../src/domain/entity.js';
import type { DomainEvent } from '../src/domain/events/registry.js';
import { contactStream } from '../src/domain/streams.js';
import { EventStoreDbLog } from '../src/platform/servers/eventStoreDbLog.js';
import { MongoConnection } from '../src/platform/servers/mongoConnection.js';
import { documentIndexes } from '../src/platform/servers/mongoDocuments.js';
import { entryIndexes, versionIndexes } from '../src/platform/servers/mongoHistory.js';
import { makeIndexes } from '../src/platform/servers/mongoIndexes.js';
import { openMongo } from '../src/platform/servers/mongoPlatform.js';
import { SealedEventStore } from '../src/platform/sealedEventStore.js';
import { spawnDouble } from '../test/support/eventStoreDouble/spawn.js';
import { median, type Bench, type Figure } from './support/figures.js';
import { databaseUrl, startMongo } from './support/mongo.js';

/** Events that the follower is behind by, for the rate. */
const EVENTS = 10_000;
const ROUNDS = 3;
/** Events that it is behind by, for memory: 1,000,000 are asked for, beside a real MongoDB. */
const BEHIND = Number(process.env.BENCH_BEHIND ?? 100_000);
/**
 * How many events each contact has. Many, since the stand-in compares every document with every key
 * of a look-up, which would be all that is measured.
 */
const EVENTS_EACH = { rate: 20, memory: 1_000 };
const BULK = 1_000;
/**
 * What the follower's objects may take, in MB: it would end if it needed more. Without a limit, which a
 * container's memory sets as well, V8 lets garbage lie for as long as the machine has room.
 */
const HEAP_LIMIT = '--max-old-space-size=128';
/** Events in flight while the log is filled, which may take its time. */
const FILL_STEP = 10_000;
const FILL_PATIENCE = { append: 120_000, appendTry: 60_000 };

const doubleScript = fileURLToPath(new URL('../../test/support/eventStoreDouble/process.js', import.meta.url));
const followScript = fileURLToPath(new URL('./support/followOnce.js', import.meta.url));
const count = (value: number) => Math.round(value).toLocaleString('en-US');

interface Servers {
  eventStore: string;
  mongo: string;
}

interface Followed {
  seconds: number;
  cpuSeconds: number;
  peakMb: number;
}

export const mongoBench: Bench = {
  name: 'mongo',
  about: 'catching up from EventStoreDB into MongoDB, beside the bare client and the bare driver; memory far behind',
  run: async (say) => {
    const mongo = await startMongo();
    try {
      say(mongo.isStandIn ? 'on a stand-in for MongoDB' : 'on the MongoDB of TEST_MONGODB_URL');
      const rates: Rates[] = [];
      for (let round = 0; round < ROUNDS; round += 1) rates.push(await onServers(mongo.url, (servers) => ratesOf(servers, say)));
      const far = await onServers(mongo.url, (servers) => farBehind(servers, say));
      return [...figuresOf(rates), far];
    } finally {
      await mongo.stop();
    }
  },
};

interface Rates {
  read: number;
  written: number;
  followed: number;
}

function figuresOf(rates: readonly Rates[]): Figure[] {
  const ratio = median(rates.map(({ read, written, followed }) => followed / Math.min(read, written)));
  return [
    { name: 'the bare client reads, events', value: median(rates.map(({ read }) => read)), unit: '/s' },
    { name: 'the bare driver bulk-writes, what was made of events', value: median(rates.map(({ written }) => written)), unit: '/s' },
    { name: 'catching up, events', value: median(rates.map(({ followed }) => followed)), unit: '/s' },
    { name: 'catching up of the smaller of the two', value: ratio, unit: 'ratio', asked: { atLeast: 0.5 } },
  ];
}

/** Both servers, MongoDB with a database of its own, and live read models of an empty log. */
async function onServers<Result>(mongoUrl: string, work: (servers: Servers) => Promise<Result>): Promise<Result> {
  const given = process.env.TEST_EVENTSTORE_URL;
  const double = given === undefined ? await spawnDouble(doubleScript) : { url: given, stop: async () => undefined };
  const servers = { eventStore: double.url, mongo: databaseUrl(mongoUrl, `bench_${randomUUID().slice(0, 8)}`) };
  try {
    await follow(servers);
    return await work(servers);
  } finally {
    const client = await MongoClient.connect(servers.mongo);
    await client.db().dropDatabase();
    await client.close();
    await double.stop();
  }
}

async function follow({ eventStore, mongo }: Servers): Promise<Followed> {
  const { stdout } = await promisify(execFile)(process.execPath, [HEAP_LIMIT, followScript, eventStore, mongo]);
  return JSON.parse(stdout) as Followed;
}

async function ratesOf(servers: Servers, say: (line: string) => void): Promise<Rates> {
  await fill(servers, EVENTS, EVENTS_EACH.rate);
  const read = await readRate(servers.eventStore, EVENTS);
  const { seconds, cpuSeconds } = await follow(servers);
  const written = await writeRate(servers.mongo);
  const followed = EVENTS / seconds;
  say(`read ${count(read)}/s, written ${count(written)}/s, caught up at ${count(followed)}/s (${count((cpuSeconds / EVENTS) * 1e6)} µs of processor time an event)`);
  return { read, written, followed };
}

async function farBehind(servers: Servers, say: (line: string) => void): Promise<Figure> {
  say(`making ${count(BEHIND)} events`);
  await fill(servers, BEHIND, EVENTS_EACH.memory);
  const { seconds, peakMb } = await follow(servers);
  return { name: 'memory of a follower far behind, at most', value: peakMb, unit: 'MB', asked: { atMost: 300 }, note: `${count(BEHIND)} events at ${count(BEHIND / seconds)}/s` };
}

/** Appends events of new contacts to the log alone; their keys lie in MongoDB. */
async function fill({ eventStore, mongo }: Servers, count: number, each: number): Promise<void> {
  const [contacts, step] = [count / each, FILL_STEP / each];
  const log = new EventStoreDbLog({ url: eventStore, patience: FILL_PATIENCE });
  const platform = await openMongo({ url: mongo, wrappingKeys: [createSecretKey(Buffer.alloc(32, 7))], projections: [], compare: (a, b) => log.compare(a, b) });
  const events = new SealedEventStore(log, platform.keys, (stream, expected, stored) => log.append(stream, expected, stored));
  for (let made = 0; made < contacts; made += step) {
    const appends = Array.from({ length: Math.min(step, contacts - made) }, (_, index) => {
      const id = randomUUID();
      return { stream: contactStream('bench', id), expected: 'none' as const, events: historyOf(id, made + index, each) };
    });
    await events.commitMany(appends);
  }
  await platform.close();
  await log.close();
}

function historyOf(contactId: string, n: number, each: number) {
  const contact = { ...emptyFields(`Person Number ${n}`), email: `person${n}@example.com`, phone: `555 ${n}`, notes: 'Met at the fair; wants to hear of engines.' };
  return Array.from({ length: each }, (_, index) => {
    const event: DomainEvent =
      index === 0 ? { type: 'ContactCreated', data: { contactId, contact } } : { type: 'ContactUpdated', data: { contactId, changes: { code: `c${index}` } } };
    const requestId = randomUUID();
    const metadata = { organizationId: 'bench', actor: { sub: 'bench' }, requestId, correlationId: requestId, causationId: null, occurredAt: new Date().toISOString(), schemaVersion: 1 };
    return { ...event, id: randomUUID(), metadata };
  });
}

async function readRate(url: string, events: number): Promise<number> {
  const client = EventStoreDBClient.connectionString(url);
  const startedAt = performance.now();
  let read = 0;
  for await (const _ of client.readAll({ maxCount: events })) read += 1;
  const rate = read / ((performance.now() - startedAt) / 1_000);
  await client.dispose();
  return rate;
}

/** Of how many events a second the bare driver writes what was made of them, documents, histories and the index of events, into collections with the same indexes. */
async function writeRate(url: string): Promise<number> {
  const connection = await MongoConnection.open(url);
  const client = await MongoClient.connect(url, { writeConcern: { w: 'majority', journal: true } });
  const live = async (name: string) => (await client.db().collection<Document>('generations').findOne({ _id: name as never }))?.live.number as number;
  const contacts = `contacts_${await live('contacts')}`;
  const parts = [
    [contacts, documentIndexes.contacts],
    [`${contacts}_history`, entryIndexes],
    [`${contacts}_versions`, versionIndexes],
    [`events_${await live('events')}`, []],
  ] satisfies [string, readonly IndexDescription[]][];
  let seconds = 0;
  for (const [name, indexes] of parts) {
    const all = await client.db().collection(name).find({}).toArray();
    const target = client.db().collection(`bare_${name}`);
    await makeIndexes(connection, connection.collection(`bare_${name}`), indexes);
    const startedAt = performance.now();
    for (let from = 0; from < all.length; from += BULK) {
      await target.bulkWrite(all.slice(from, from + BULK).map((document) => ({ insertOne: { document } })), { ordered: false });
    }
    seconds += (performance.now() - startedAt) / 1_000;
  }
  await Promise.all([client.close(), connection.close()]);
  return EVENTS / seconds;
}
