// A load of writes whose outcomes are remembered, and the check that nothing acknowledged was lost.

import { expect } from '@jest/globals';
import { connectionBroke, type Client } from '../support/service.js';

/** What a test reads of a contact. */
export interface ContactView {
  id: string;
  name: string;
  description: string | null;
  parentEntityId: string | null;
  metadata: { department: string | null; reportsTo: string | null; preferredContactMethod: string | null };
}

/** What is known of one contact: its versions count up, and each write in flight may or may not have happened. */
interface Known {
  id: string;
  acknowledged: number;
  attempted: number;
  deletion: 'none' | 'attempted' | 'acknowledged';
}

/** One writer: it has a company, a boss and contacts of its own, and never two writes in flight. */
export interface Writer {
  company: string;
  boss: string;
  contacts: Known[];
  /** Who may be primary: the last acknowledged and what was tried since. */
  primaries: string[];
  /** Whether one of them was acknowledged. */
  hadPrimary: boolean;
}

const DEPARTMENTS = ['Sales', 'Produktion', 'Legal'];
const METHODS = ['email', 'phone', 'mobile'];

const ofVersion = (version: number) => ({
  description: `v${version}`,
  metadata: { department: DEPARTMENTS[version % 3], preferredContactMethod: METHODS[version % 3] },
});

export async function newWriter(client: Client): Promise<Writer> {
  const company = await client.post('/companies', { name: 'Load Ltd', entityTypes: ['Company'] });
  const boss = await client.post('/contacts', { name: 'Boss', ...ofVersion(0) });
  expect([company.status, boss.status]).toEqual([201, 201]);
  return { company: company.body.id, boss: boss.body.id, contacts: [], primaries: [], hadPrimary: false };
}

/** Writes until `stopped` or the connection breaks; counts acknowledged writes. */
export async function write(client: Client, writer: Writer, stopped: () => boolean): Promise<{ acknowledged: number; refused: number[] }> {
  const result = { acknowledged: 0, refused: [] as number[] };
  try {
    while (!stopped()) {
      const status = await writeOnce(client, writer);
      if (status < 300) result.acknowledged += 1;
      else result.refused.push(status);
    }
  } catch (error) {
    if (!connectionBroke(error)) throw error;
  }
  return result;
}

async function writeOnce(client: Client, writer: Writer): Promise<number> {
  const alive = writer.contacts.filter(({ deletion }) => deletion === 'none');
  const known = alive[Math.floor(Math.random() * alive.length)];
  const dice = Math.random();
  if (known === undefined || dice < 0.3) return create(client, writer);
  if (dice < 0.75) return update(client, known);
  if (dice < 0.9) return setPrimary(client, writer, known);
  return remove(client, known);
}

async function create(client: Client, writer: Writer): Promise<number> {
  const { company, boss } = writer;
  const fields = ofVersion(1);
  const body = { name: 'Load Contact', parentEntityId: company, ...fields, metadata: { ...fields.metadata, reportsTo: boss } };
  const { status, body: contact } = await client.post('/contacts', body);
  if (status === 201) writer.contacts.push({ id: contact.id, acknowledged: 1, attempted: 1, deletion: 'none' });
  return status;
}

async function update(client: Client, known: Known): Promise<number> {
  known.attempted += 1;
  const version = known.attempted;
  const { status } = await client.put(`/contacts/${known.id}`, ofVersion(version));
  if (status === 200) known.acknowledged = version;
  return status;
}

async function setPrimary(client: Client, writer: Writer, { id }: Known): Promise<number> {
  writer.primaries.push(id);
  const { status } = await client.post(`/contacts/${id}/set-primary/${writer.company}`);
  if (status === 200) Object.assign(writer, { primaries: [id], hadPrimary: true });
  return status;
}

async function remove(client: Client, known: Known): Promise<number> {
  known.deletion = 'attempted';
  const { status } = await client.delete(`/contacts/${known.id}`);
  if (status === 204) known.deletion = 'acknowledged';
  return status;
}

/** Every contact of the list, by id. */
export async function listAll(client: Client): Promise<Map<string, ContactView>> {
  const all = new Map<string, ContactView>();
  let cursor: string | null = '';
  let total = 0;
  while (cursor !== null) {
    const { status, body } = await client.get(`/contacts?limit=100${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`);
    expect(status).toBe(200);
    for (const contact of body.data as ContactView[]) all.set(contact.id, contact);
    cursor = body.nextCursor;
    total = body.total ?? total;
  }
  expect(all.size).toBe(total);
  return all;
}

/** What was acknowledged is in `all`, or something later that was tried. */
export function expectNothingLost(all: ReadonlyMap<string, ContactView>, writers: readonly Writer[]): void {
  const wrong: string[] = [];
  for (const { contacts, boss } of writers) {
    for (const known of contacts) {
      const { id, acknowledged, attempted, deletion } = known;
      const contact = all.get(id);
      if (contact === undefined) {
        if (deletion === 'none') wrong.push(`${id}: is gone`);
        known.deletion = 'acknowledged';
        continue;
      }
      if (deletion === 'acknowledged') wrong.push(`${id}: its deletion is gone`);
      const version = Number(contact.description?.slice(1));
      if (!(version >= acknowledged && version <= attempted)) wrong.push(`${id}: v${version}, not v${acknowledged}..v${attempted}`);
      if (contact.metadata.department !== DEPARTMENTS[version % 3]) wrong.push(`${id}: half of v${version}`);
      if (contact.metadata.reportsTo !== boss) wrong.push(`${id}: lost its manager`);
      Object.assign(known, { acknowledged: version, attempted: version, deletion: 'none' });
    }
  }
  expect(wrong).toEqual([]);
}

/** Every company has a primary contact that was made so and is not deleted; what follows from a deletion may take a moment. */
export async function expectPrimaries(client: Client, all: ReadonlyMap<string, ContactView>, writers: readonly Writer[]): Promise<void> {
  for (const writer of writers) {
    const possible = writer.primaries.filter((id) => all.has(id));
    const mayBeNone = possible.length < writer.primaries.length || !writer.hadPrimary;
    const primary = await eventually(
      async () => (await client.get(`/companies/${writer.company}`)).body.primaryContactId as string | null,
      (id) => (id === null ? mayBeNone : possible.includes(id)),
    );
    writer.primaries = primary === null ? [] : [primary];
    writer.hadPrimary = primary !== null;
  }
}

/** The indexes say what the list says. */
export async function expectIndexesAgree(client: Client, all: ReadonlyMap<string, ContactView>, companies: readonly string[]): Promise<void> {
  const contacts = [...all.values()];
  const idsOf = async (path: string) => ((await client.get(path)).body.data as ContactView[]).map(({ id }) => id).sort();
  const idsWhere = (fits: (contact: ContactView) => boolean) => contacts.filter(fits).map(({ id }) => id).sort();
  for (const company of companies) {
    const expected = idsWhere(({ parentEntityId }) => parentEntityId === company);
    expect(await idsOf(`/contacts/company/${company}`)).toEqual(expected);
    expect((await client.get(`/contacts?parentEntityId=${company}`)).body.total).toBe(expected.length);
  }
  for (const department of DEPARTMENTS) {
    expect(await idsOf(`/contacts/department/${department}`)).toEqual(idsWhere(({ metadata }) => metadata.department === department));
  }
  for (const method of METHODS) {
    expect(await idsOf(`/contacts/contact-method/${method}`)).toEqual(idsWhere(({ metadata }) => metadata.preferredContactMethod === method));
  }
  for (const [word, count] of [['load', idsWhere(({ name }) => name === 'Load Contact').length], ['boss', idsWhere(({ name }) => name === 'Boss').length]]) {
    expect((await client.get(`/contacts?search=${word}`)).body.total).toBe(count);
  }
  const hierarchy = (await client.get('/contacts/hierarchy')).body as Record<string, ContactView[]>;
  const managers = [...new Set(contacts.flatMap(({ metadata }) => metadata.reportsTo ?? []))].sort();
  expect(Object.keys(hierarchy).sort()).toEqual(managers);
  for (const manager of managers) {
    expect(hierarchy[manager]?.map(({ id }) => id).sort()).toEqual(idsWhere(({ metadata }) => metadata.reportsTo === manager));
  }
}

/** Asks again until the answer fits, for up to `forMs`; the last answer is then expected to. */
export async function eventually<Answer>(ask: () => Promise<Answer>, fits: (answer: Answer) => boolean, forMs = 5_000): Promise<Answer> {
  const deadline = Date.now() + forMs;
  for (;;) {
    const answer = await ask();
    if (fits(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(answer)?.slice(0, 300)} after ${forMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** `task` for each of `items`, `width` at a time. */
export async function forEachOf<Item>(items: readonly Item[], width: number, task: (item: Item, index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const index = next;
      next += 1;
      await task(items[index] as Item, index);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
}
