// Appends that a thread makes ready: stored and shown as if they had been committed, or not at all.

import { afterAll, beforeEach, expect, test } from '@jest/globals';
import type { Contact } from '../../src/domain/contact.js';
import { contactStream, parseStream } from '../../src/domain/streams.js';
import { appendsOf, SeedMaker, type SeedPlan } from '../../src/operations/seed/maker.js';
import type { SeedOrders } from '../../src/operations/seed/seed.js';
import type { Host } from '../../src/operations/operation.js';
import type { NewEvent } from '../../src/ports/eventStore.js';
import { KeyDestroyedError } from '../../src/ports/keyStore.js';
import type { MakeAppends } from '../../src/ports/readyAppends.js';
import { projections } from '../../src/projections/project.js';
import { verify } from '../../src/projections/verify.js';
import { audit, openTestHost } from '../chain/folders.js';
import { byName } from '../contract/readStoreContract.js';
import { eventMetadata, fieldsOf, NOW } from '../contract/samples.js';
import { temporaryFolder } from '../support/folder.js';

const plan: SeedPlan = { organizationId: 'acme', contacts: 250, seed: 1, occurredAt: NOW };
const SIZE = 100;
const groups = () => [...new SeedMaker(plan).groups(0, SIZE)].map(appendsOf);
const [firstGroup = []] = groups();

const open: Host[] = [];
async function openOne(): Promise<Host & { dataDir: string }> {
  const dataDir = temporaryFolder();
  const host = await openTestHost(dataDir);
  open.push(host);
  return { ...host, dataDir };
}
afterAll(() => Promise.all(open.map(({ platform }) => platform.close())));

/** What a thread makes of the plan. */
const aheadOf = ({ platform }: Host) => (platform.makeAppends as MakeAppends)({ plan, from: 0, size: SIZE } satisfies SeedOrders);

async function writeReady(host: Host): Promise<boolean[]> {
  const ahead = aheadOf(host);
  const written: boolean[] = [];
  for (let ready = await ahead.next(); ready !== null; ready = await ahead.next()) written.push(await ready.write());
  await ahead.close();
  return written;
}

/** All that the log and the read models tell of the organization. */
async function told({ platform: { log, readStore, history }, events }: Host) {
  const stored = await log.readAll(null, 10_000);
  const { items } = await readStore.listContacts('acme', { ...byName, limit: 1_000 });
  const found = await readStore.listContacts('acme', { ...byName, limit: 1_000, filter: { ...byName.filter, search: [{ literal: 'an', digits: null }] } });
  return {
    events: await events.open(stored.events),
    contacts: items,
    companies: await readStore.listCompanies('acme', { ...byName, limit: 1_000 }),
    found: found.items.map(({ document }) => document.id),
    histories: await Promise.all(items.slice(0, 5).map(({ document }) => history.history('acme', 'contacts', document.id, null, 10))),
  };
}

const created = (id: string): NewEvent => ({ type: 'ContactCreated', data: { contactId: id, contact: fieldsOf({ name: id }) }, id: `event-${id}`, metadata: eventMetadata('other') });

let host: Host & { dataDir: string };
beforeEach(async () => {
  host = await openOne();
});

test('log, read models, histories and chain are as if all of it had been committed', async () => {
  const committed = await openOne();
  for (const appends of groups()) await committed.events.commitMany(appends);
  expect(await writeReady(host)).toEqual([true, true, true]);
  const ready = await told(host);
  expect(ready).toEqual(await told(committed));
  expect([ready.contacts.length, ready.found.length > 5, ready.companies.total > 2]).toEqual([plan.contacts, true, true]);
  for (const projection of projections) {
    const differing: string[] = [];
    await verify(projection, host.projector.deps, { found: ({ id }) => differing.push(id) });
    expect(differing).toEqual([]);
  }
  await host.platform.close();
  expect(await audit(host.dataDir)).toMatchObject({ events: ready.events.length, organizations: 1, finding: null });
});

test('what is personal is sealed by a key that can be destroyed', async () => {
  await writeReady(host);
  const [shown] = (await host.platform.readStore.listContacts('acme', byName)).items;
  const document = shown?.document as Contact;
  const stream = contactStream('acme', document.id);
  expect(JSON.stringify(await host.platform.log.last(stream))).not.toContain(document.name);
  await host.platform.keys.destroy({ organizationId: 'acme', id: document.id });
  expect(JSON.stringify(await host.events.last(stream))).not.toContain(document.name);
  await expect(host.platform.keys.obtain({ organizationId: 'acme', id: document.id })).rejects.toThrow(KeyDestroyedError);
});

test.each(['contact', 'company'])('none of a group is written where the stream of a %s of it is there already, and what is missing can be committed', async (category) => {
  const taken = firstGroup.findLast(({ stream }) => parseStream(stream)?.category === category) as (typeof firstGroup)[number];
  await host.events.commitMany([taken]);
  const head = await host.platform.log.head();
  const before = category === 'contact' ? 1 : 0;
  const ahead = aheadOf(host);
  expect(await (await ahead.next())?.write()).toBe(false);
  await ahead.close();
  expect(await host.platform.log.head()).toBe(head);
  expect((await host.platform.readStore.listContacts('acme', byName)).total).toBe(before);
  await host.events.commitMany(firstGroup.filter((append) => append !== taken));
  expect((await host.platform.readStore.listContacts('acme', byName)).total).toBe(SIZE);
  expect((await host.events.open((await host.platform.log.readAll(null, 1_000)).events)).length).toBeGreaterThan(SIZE);
});

test('nothing of a group is written where one of its contacts has a key already', async () => {
  const id = parseStream(firstGroup[99]?.stream ?? '')?.id as string;
  const key = await host.platform.keys.obtain({ organizationId: 'acme', id });
  const ahead = aheadOf(host);
  expect(await (await ahead.next())?.write()).toBe(false);
  await ahead.close();
  expect(await host.platform.log.head()).toBeNull();
  await host.events.commitMany(firstGroup);
  expect((await host.platform.keys.obtain({ organizationId: 'acme', id })).equals(key)).toBe(true);
});

test('nothing of a group is written that a read model could not show', async () => {
  const { projectionStore, log } = host.platform;
  const { number } = await projectionStore.build('contacts', 999_999);
  await projectionStore.switchTo('contacts', number, true);
  const ahead = aheadOf(host);
  const ready = await ahead.next();
  await expect(ready?.write()).rejects.toThrow('the projection contacts is not up to date');
  await ahead.close();
  expect(await log.head()).toBeNull();
});

test('a read model that shows nothing of a group does not stand in its way', async () => {
  const { projectionStore } = host.platform;
  const { number } = await projectionStore.build('endpoints', 999_999);
  await projectionStore.switchTo('endpoints', number, true);
  expect(await writeReady(host)).toEqual([true, true, true]);
  expect((await host.platform.readStore.listContacts('acme', byName)).total).toBe(plan.contacts);
});

test('who follows the log is told of them, in order, among what is committed before and after', async () => {
  await host.events.commit(contactStream('other', 'first'), 'none', [created('first')]);
  const stop = new AbortController();
  const seen: string[] = [];
  const following = (async () => {
    for await (const { events } of host.platform.log.subscribe(null, stop.signal)) {
      seen.push(...events.map(({ position }) => position));
      if (seen.length > plan.contacts && events.some(({ stream }) => stream === contactStream('other', 'last'))) return;
    }
  })();
  await writeReady(host);
  await host.events.commit(contactStream('other', 'last'), 'none', [created('last')]);
  await following;
  stop.abort();
  expect(seen).toEqual(seen.map((_, index) => String(index + 1)));
  expect(seen.at(-1)).toBe(await host.platform.log.head());
});
