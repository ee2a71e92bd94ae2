// Generations in the embedded file: what is dropped goes, bit by bit, whatever comes between.

import { expect, test } from '@jest/globals';
import Sqlite from 'libsql';
import { join } from 'node:path';
import { storeMigrations } from '../../src/platform/embedded/layout.js';
import { openPlatform } from '../contract/embedded.js';
import { byName } from '../contract/readStoreContract.js';
import { Story } from '../contract/samples.js';
import { eventually } from '../crash/load.js';
import { temporaryFolder } from '../support/folder.js';

const openStore = async (folder: string) => ({ ...(await openPlatform(folder)), position: String });

/** Runs queries on the file of a store, whether it is open or not. */
function inFile<Result>(folder: string, task: (file: Sqlite.Database) => Result): Result {
  const file = new Sqlite(join(folder, 'contacts.sqlite'));
  try {
    return task(file);
  } finally {
    file.close();
  }
}

const count = (folder: string, table: string) =>
  inFile(folder, (file) => (file.prepare(`SELECT count(*) AS n FROM ${table}`).get([]) as { n: number }).n);

test('a generation that was replaced is dropped bit by bit, also across a stop, and its numbers are used again', async () => {
  const folder = temporaryFolder();
  const story = await Story.begin(await openStore(folder));
  const organizations = ['acme', 'globex', 'initech'];
  const events = organizations.flatMap((organization) =>
    Array.from({ length: 400 }, (_, n) => story.contact(organization, `c${n}`, { name: `N${n}`, phone: '123' })),
  );
  await story.tell(...events, ...organizations.map((organization) => story.contactGone(organization, 'c0')));
  const built = await story.store.projectionStore.build('contacts', 1);
  await story.tellTo('contacts', built, ...events);
  expect(count(folder, 'documents')).toBeGreaterThan(2_000);
  await story.store.projectionStore.switchTo('contacts', built.number);
  await story.store.close();
  expect(count(folder, `generations WHERE state = 'dropped'`)).toBe(1);

  story.store = await openStore(folder);
  await eventually(async () => count(folder, `generations WHERE state = 'dropped'`), (left) => left === 0, 20_000);
  expect([count(folder, 'documents'), count(folder, 'tombstones'), count(folder, 'collections')]).toEqual([1_200, 0, 3]);
  for (const table of ['search_trigrams', 'search_grams']) expect(count(folder, table)).toBe(1_200);
  expect((await story.store.readStore.listContacts('acme', byName)).total).toBe(400);

  const highest = () => inFile(folder, (file) => (file.prepare('SELECT max(number) AS n FROM collections').get([]) as { n: number }).n);
  const before = highest();
  const again = await story.store.projectionStore.build('contacts', 1);
  await story.tellTo('contacts', again, ...events);
  expect(highest()).toBe(before);
  await story.store.projectionStore.switchTo('contacts', again.number);
  const search = [{ literal: 'n39', digits: null }];
  for (const organization of organizations) {
    expect((await story.store.readStore.listContacts(organization, { ...byName, filter: { ...byName.filter, search } })).total).toBe(11);
  }
  await story.store.close();
});

test('what an older layout holds is the first generation', async () => {
  const folder = temporaryFolder();
  inFile(folder, (file) => {
    for (const migration of storeMigrations.slice(0, 3)) file.exec(migration);
    file.exec(`PRAGMA user_version = 3;
      INSERT INTO projections VALUES ('contacts', 1, 7);
      INSERT INTO collections VALUES (1, 'contacts', 'acme'), (2, 'companies', 'acme');
      INSERT INTO tombstones VALUES (1, 'c1', 5)`);
  });
  const { projectionStore, close } = await openPlatform(folder);
  expect(await projectionStore.live('contacts')).toEqual({ number: 1, version: 1, position: '7' });
  expect(await projectionStore.live('companies')).toBeNull();
  expect(await projectionStore.documents('contacts', 1, null, 10)).toEqual([
    { organizationId: 'acme', id: 'c1', revision: 5, document: null, keys: null },
  ]);
  await close();
});
