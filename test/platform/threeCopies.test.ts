// Three copies of the service on one EventStoreDB and one MongoDB: what one acknowledged every other
// shows, by every kind of read, while copies are killed and started and rebuilds are switched to.

import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { spawnDouble } from '../support/eventStoreDouble/spawn.js';
import { temporaryFolder } from '../support/folder.js';
import { describeMongo } from '../support/mongo.js';
import { binary, startServiceProcess, testEnvironment, type Client, type Reply, type ServiceProcess } from '../support/service.js';

/** Pairs of a write and a read; few, since the stand-in server looks at every document for every query. The whole test: 10000. */
const PAIRS = Number(process.env.COPIES_PAIRS ?? 60);
const WORKERS = 3;
/** Between one kill and the next, and one rebuild and the next. */
const PAUSE_MS = 3_000;
/** What everybody prefers. */
const METHOD = 'mobile';

interface Person {
  id: string;
  name: string;
  department: string;
  boss: string;
  /** The company of the worker, which has the person's name when that was written to it. */
  firm: string;
  gone: boolean;
}

/** Up to where events were read, by worker, who is known by its boss. */
const eventsRead = new Map<string, string>();

/** Reads that are of what is written to a company. */
const [FIRM, FIRMS] = ['a company', 'companies'];

/** Whether a read of its kind shows the person as it was last written. */
const reads: Record<string, (client: Client, person: Person) => Promise<boolean | Reply>> = {
  get: async (client, { id, name, gone }) => {
    const reply = await client.get(`/contacts/${id}`);
    if (reply.status >= 500) return reply;
    return gone ? reply.status === 404 : reply.body.name === name;
  },
  search: (client, person) => among(client, `/contacts?search=${person.name}&orderBy=name`, person, person.name),
  list: (client, person) => among(client, '/contacts?limit=100&orderBy=updatedAt', person, person.name),
  department: (client, person) => among(client, `/contacts/department/${person.department}`, person, person.name),
  company: (client, person) => among(client, `/contacts/company/${person.id}`, person, person.name),
  method: (client, person) => among(client, `/contacts/contact-method/${METHOD}`, person, person.name),
  hierarchy: async (client, { id, name, boss, gone }) => {
    const reply = await client.get('/contacts/hierarchy');
    if (reply.status !== 200) return reply;
    const found = (reply.body[boss] ?? []).find((item: { id: string }) => item.id === id);
    return gone ? found === undefined : found?.name === name;
  },
  history: async (client, { id, name, gone }) => {
    const reply = await client.get(`/contacts/${id}/history?limit=100`);
    if (reply.status >= 500) return reply;
    return gone ? reply.body.data.at(-1)?.type === 'ContactDeleted' : reply.text.includes(JSON.stringify(name));
  },
  audit: async (client, { id, name, gone }) => {
    const reply = await client.get(`/audit?contactId=${id}&limit=2`);
    if (reply.status !== 200) return reply;
    return gone ? reply.body.data[0]?.type === 'ContactDeleted' : reply.text.includes(JSON.stringify(name));
  },
  events: async (client, { id, name, boss, gone }) => {
    for (let found = false; ; ) {
      const reply = await client.get(`/events?limit=1000&after=${eventsRead.get(boss) ?? '0'}`);
      if (reply.status !== 200) return reply;
      const own = reply.body.data.filter(({ subject }: { subject: string }) => subject === id);
      found ||= own.some(({ type, data }: { type: string; data: object }) => (gone ? type.endsWith('Deleted') : JSON.stringify(data).includes(JSON.stringify(name))));
      eventsRead.set(boss, reply.body.nextPosition);
      if (reply.body.data.length === 0) return found;
    }
  },
  asOf: async (client, { id, name, gone }) => {
    const reply = await client.get(`/contacts/${id}?asOf=${new Date().toISOString()}`);
    if (reply.status >= 500) return reply;
    return gone ? reply.status === 404 : reply.body.name === name;
  },
  [FIRM]: async (client, { firm, name }) => {
    const reply = await client.get(`/companies/${firm}`);
    return reply.status === 200 ? reply.body.name === name : reply;
  },
  [FIRMS]: async (client, { firm, name }) => {
    const reply = await client.get(`/companies?search=${name}`);
    return reply.status === 200 ? reply.body.data.some((item: { id: string }) => item.id === firm) : reply;
  },
};

async function among(client: Client, path: string, { id, gone }: Person, name: string): Promise<boolean | Reply> {
  const reply = await client.get(path);
  if (reply.status === 404) return gone;
  if (reply.status !== 200) return reply;
  const found = reply.body.data.find((item: { id: string }) => item.id === id);
  return gone ? found === undefined : found?.name === name;
}

class Copies {
  readonly copies: (ServiceProcess | null)[] = [];
  readonly folders = [temporaryFolder(), temporaryFolder(), temporaryFolder()];

  constructor(private readonly environment: Record<string, string>) {}

  /** A copy that finds no server in time ends; it is started again, as by whatever looks after it. */
  async start(index: number, tries = 5): Promise<void> {
    try {
      this.copies[index] = await startServiceProcess(this.environment, this.folders[index]);
    } catch (error) {
      if (tries === 1) throw error;
      await this.start(index, tries - 1);
    }
  }

  async kill(index: number): Promise<void> {
    const copy = this.copies[index];
    this.copies[index] = null;
    await copy?.kill();
  }

  /** A client of some copy that is up, other than `but`. */
  some(but?: string): Client {
    const up = this.copies.filter((copy) => copy !== null && copy.origin !== but) as ServiceProcess[];
    return up[Math.floor(Math.random() * up.length)]!.client('acme');
  }
}

/** One worker: writes at one copy, reads at another, again and again until told that it is over; returns what was stale. */
async function work(copies: Copies, worker: number, { boss, firm }: Pick<Person, 'boss' | 'firm'>, pairs: number, isOver: () => boolean): Promise<{ stale: string[]; held: number }> {
  const stale: string[] = [];
  let held = 0;
  let person: Person | null = null;
  for (let n = 0; held + stale.length < pairs && !isOver(); n += 1) {
    const writer = copies.some();
    const name: string = `w${worker}x${n}y`;
    const kinds = Object.keys(reads);
    const kind = kinds[n % kinds.length] as string;
    const writing: Promise<Person | null> = kind === FIRM || kind === FIRMS ? writeFirm(writer, name, firm) : write(writer, person, name, { boss, firm });
    const written: Person | null = await writing.catch(() => null);
    // Whether it was stored is not known: the next one is another.
    if (written === null) {
      person = null;
      continue;
    }
    if (written.id !== firm) person = written.gone ? null : written;
    const reader = copies.some(new URL(writer.baseUrl).origin);
    const shown = await (reads[kind] as (typeof reads)[string])(reader, written).catch(() => null);
    if (shown === true) held += 1;
    else if (shown === false) stale.push(`${kind} of ${written.name}${written.gone ? ', deleted' : ''}, written at ${writer.baseUrl}, read at ${reader.baseUrl}`);
  }
  return { stale, held };
}

/** Creates a person, changes the one there is, or deletes it; null when that was not acknowledged. */
async function write(client: Client, person: Person | null, name: string, { boss, firm }: Pick<Person, 'boss' | 'firm'>): Promise<Person | null> {
  const department = `d${name}`;
  const metadata = { department, preferredContactMethod: METHOD, reportsTo: boss };
  if (person === null) {
    const made = await client.post('/contacts', { name, metadata });
    if (made.status !== 201) return null;
    const { id } = made.body;
    const placed = await client.put(`/contacts/${id}`, { parentEntityId: id }).catch(() => null);
    return placed?.status === 200 ? { id, name, department, boss, firm, gone: false } : null;
  }
  if (Math.random() < 0.3) {
    const deleted = await client.delete(`/contacts/${person.id}`);
    return deleted.status === 204 ? { ...person, gone: true } : null;
  }
  const changed = await client.put(`/contacts/${person.id}`, { name, metadata });
  return changed.status === 200 ? { ...person, name, department } : null;
}

/** Gives the company a name; null when that was not acknowledged. */
async function writeFirm(client: Client, name: string, firm: string): Promise<Person | null> {
  const { status } = await client.put(`/companies/${firm}`, { name });
  return status === 200 ? { id: firm, name, department: '', boss: '', firm, gone: false } : null;
}

describeMongo('three copies of the service', (mongo) => {
  test(`show what any of them acknowledged, in ${PAIRS} pairs, through kills and switches`, async () => {
    const double = await spawnDouble();
    const copies = new Copies({ EVENTSTORE_URL: double.url, MONGODB_URL: mongo.newDatabase() });
    let done = false;
    let [kills, rebuilds] = [0, 0];
    let failure: unknown = null;
    try {
      await Promise.all([0, 1, 2].map((index) => copies.start(index)));
      const idOf = async (path: string, name: string, more = {}) => (await copies.some().post(path, { name, ...more })).body.id as string;
      const workers = await Promise.all(
        Array.from({ length: WORKERS }, async (_, n) => ({ boss: await idOf('/contacts', `Boss ${n}`), firm: await idOf('/companies', `Firm ${n}`, { entityTypes: ['Company'] }) })),
      );
      const killing = async () => {
        for (let index = 1; !done; index = 3 - index) {
          await sleep(PAUSE_MS);
          await copies.kill(index);
          await copies.start(index);
          kills += 1;
        }
      };
      const rebuilding = async () => {
        const env = { PATH: process.env.PATH ?? '', ...testEnvironment, DATA_DIR: copies.folders[0] as string };
        while (!done) {
          // One that the server is too busy for fails, and is carried on by the next.
          await promisify(execFile)(process.execPath, [binary, 'rebuild'], { env }).then(() => (rebuilds += 1), (error: unknown) => (failure = error));
          await sleep(PAUSE_MS);
        }
      };
      const working = Promise.all(workers.map((own, n) => work(copies, n, own, Math.ceil(PAIRS / WORKERS), () => done)));
      // Whoever ends first ends the others, so that nothing goes on behind the test.
      const over = <Result>(part: Promise<Result>) => part.finally(() => (done = true));
      const parts = [over(working), over(killing()), over(rebuilding())] as const;
      await Promise.allSettled(parts);
      const results = await working;
      expect(results.flatMap(({ stale }) => stale)).toEqual([]);
      await Promise.all(parts);
      expect(results.reduce((sum, { held }) => sum + held, 0)).toBeGreaterThanOrEqual(PAIRS);
      if (rebuilds === 0) throw failure;
      expect(kills).toBeGreaterThan(0);
    } finally {
      done = true;
      for (const copy of copies.copies) await copy?.kill();
      await double.stop();
    }
  }, 30_000 + PAIRS * 4_000);
});
