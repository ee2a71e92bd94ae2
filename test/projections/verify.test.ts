// Verify finds whatever was done to read models behind the service's back, and nothing else.

import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Host } from '../../src/operations/operation.js';
import { verifyOperation } from '../../src/operations/verify.js';
import { emptyFields } from '../../src/domain/entity.js';
import { contactStream } from '../../src/domain/streams.js';
import { temporaryFolder } from '../support/folder.js';
import { commit, createContacts, inStore, openTestHost } from '../support/projecting.js';

let folder: string;
let host: Host;
beforeEach(async () => {
  folder = temporaryFolder();
  host = await openTestHost(folder);
  await createContacts(host, 'acme', Array.from({ length: 250 }, (_, n) => `c${n}`));
  await createContacts(host, 'globex', ['g1']);
  await commit(host, 'acme', 0, { type: 'ContactUpdated', data: { contactId: 'c5', changes: { notes: 'a secret' } } });
  await commit(host, 'acme', 0, { type: 'ContactDeleted', data: { contactId: 'c6' } });
  await commit(host, 'acme', -1, { type: 'CompanyCreated', data: { companyId: 'f1', company: { ...emptyFields('Firm'), entityTypes: ['Company'] } } });
});
afterEach(() => host.platform.close());

const never = new AbortController().signal;
const verified = (report: (progress: { done: number; total: number | null; unit: string }) => void = () => undefined) =>
  verifyOperation.run(host, { projection: null }, report, never);

/** What verify says once `sql` was run on the file. */
async function after(sql: string) {
  inStore(folder, (file) => file.exec(sql));
  const { differences, differing } = await verified();
  expect(differing).toBe(differences.length);
  return differences.map(({ projection, organizationId, id, kind, fields }) => `${kind} ${projection} ${organizationId}/${id} ${fields.join(' ')}`.trim());
}

interface Page {
  pgoffset: number;
  pgsize: number;
}

function overwrite(file: string, at: number, bytes: Buffer): void {
  const opened = openSync(file, 'r+');
  writeSync(opened, bytes, 0, bytes.length, at);
  closeSync(opened);
}

const rowid = (id: string) => `(SELECT rowid FROM documents WHERE ${contact(id)})`;
const contact = (id: string) => `id = '${id}' AND collection = (SELECT number FROM collections WHERE projection = 'contacts' AND organization = 'acme')`;

test('finds nothing where nothing was done, and counts what it compared', async () => {
  const units = new Set<string>();
  expect(await verified(({ unit }) => units.add(unit))).toEqual({ compared: 252, differing: 0, damage: [], differences: [] });
  expect([...units]).toEqual(['events replayed', 'events looked up', 'check of the files']);
});

test.each([
  ['a field', `UPDATE documents SET body = json_set(body, '$.name', 'Mallory') WHERE ${contact('c3')}`, ['different contacts acme/c3 name']],
  ['a nested field', `UPDATE documents SET body = json_set(body, '$.metadata.title', 'CEO') WHERE ${contact('c249')}`, ['different contacts acme/c249 metadata.title']],
  ['custom fields', `UPDATE documents SET body = json_set(body, '$.customFields', json('{"private": 1}')) WHERE ${contact('c3')}`, ['different contacts acme/c3 customFields']],
  ['a key', `UPDATE documents SET department = 'engines' WHERE ${contact('c3')}`, ['different contacts acme/c3 keys.department']],
  ['the revision', `UPDATE documents SET revision = 0 WHERE ${contact('c5')}`, ['different contacts acme/c5 notes updatedAt revision history']],
  ['a revision that is none', `UPDATE documents SET revision = 9 WHERE ${contact('c5')}`, ['different contacts acme/c5 revision']],
  ['a document removed', `DELETE FROM documents WHERE ${contact('c3')}`, ['missing contacts acme/c3', 'different contacts acme/ counts.active', 'superfluous contacts acme/c3 history', 'superfluous contacts acme/ search']],
  ['a tombstone removed', `DELETE FROM tombstones WHERE ${contact('c6')}`, ['missing contacts acme/c6', 'superfluous contacts acme/c6 history', 'superfluous contacts acme/c6 versions']],
  ['a document turned into a tombstone', `INSERT INTO tombstones SELECT collection, id, revision FROM documents WHERE ${contact('c3')}; DELETE FROM documents WHERE ${contact('c3')}`, ['different contacts acme/c3 deleted', 'different contacts acme/ counts.active', 'superfluous contacts acme/ search']],
  ['a document added', `INSERT INTO documents SELECT rowid + 100000, collection, 'c999', revision, status, sort_name, created_at, updated_at, parent_id, department, contact_method, manager_id, primary_id, searchable, body FROM documents WHERE ${contact('c3')}`, ['superfluous contacts acme/c999', 'different contacts acme/ counts.active', 'different contacts acme/c999 search']],
  ['a company changed', `UPDATE documents SET body = json_set(body, '$.primaryContactId', 'c1') WHERE id = 'f1'`, ['different companies acme/f1 primaryContactId index.primary_id']],
  ['all of an organization', `DELETE FROM documents WHERE collection = (SELECT number FROM collections WHERE organization = 'globex')`, ['missing contacts globex/g1', 'different contacts globex/ counts.active', 'superfluous contacts globex/g1 history', 'superfluous contacts globex/ search']],
  ['what a list sorts by', `UPDATE documents SET created_at = '2020-01-01T00:00:00.000Z' WHERE ${contact('c3')}`, ['different contacts acme/c3 index.created_at']],
  ['the company of a list', `UPDATE documents SET parent_id = 'f1' WHERE ${contact('c3')}`, ['different contacts acme/c3 index.parent_id']],
  ['a manager', `UPDATE documents SET manager_id = 'c1' WHERE ${contact('c3')}`, ['different contacts acme/c3 keys.managerId']],
  ['a contact method', `UPDATE documents SET contact_method = 'email' WHERE ${contact('c3')}`, ['different contacts acme/c3 keys.contactMethod']],
  ['a count', `UPDATE collection_counts SET count = count + 1 WHERE collection = (SELECT number FROM collections WHERE organization = 'globex')`, ['different contacts globex/ counts.active']],
  ['an entry of a history changed', `UPDATE history SET changes = '[]' WHERE revision = 1 AND ${contact('c5')}`, ['different contacts acme/c5 history']],
  ['an entry of a history removed', `DELETE FROM history WHERE ${contact('c3')}`, ['different contacts acme/c3 history']],
  ['an entry added', `INSERT INTO history SELECT collection, id, 7, at, actor, type, head, changes FROM history WHERE ${contact('c3')}`, ['different contacts acme/c3 history']],
  ['the history of a deleted contact', `UPDATE history SET actor = 'mallory' WHERE revision = 1 AND ${contact('c6')}`, ['different contacts acme/c6 history']],
  ['a history of nobody', `INSERT INTO history SELECT collection, 'c999', revision, at, actor, type, head, changes FROM history WHERE ${contact('c3')}`, ['superfluous contacts acme/c999 history']],
  ['a version changed', `UPDATE versions SET body = json_set(body, '$.notes', 'mallory') WHERE ${contact('c5')}`, ['different contacts acme/c5 history']],
  ['a version removed', `DELETE FROM versions WHERE ${contact('c5')}`, ['different contacts acme/c5 history']],
  ['a document that search does not find', `DELETE FROM search_trigrams WHERE rowid = ${rowid('c3')}`, ['different contacts acme/c3 search']],
  ['a document that search does not find by short words', `DELETE FROM search_grams WHERE rowid = ${rowid('c3')}`, ['different contacts acme/c3 search']],
  ['another text in the search', `DELETE FROM search_trigrams WHERE rowid = ${rowid('c3')}; INSERT INTO search_trigrams (rowid, searchable) SELECT rowid, replace(searchable, 'contact', 'mallory') FROM documents WHERE ${contact('c3')}`, ['different contacts acme/c3 search']],
  ['a text of nobody in the search', `INSERT INTO search_trigrams (rowid, searchable) VALUES (${rowid('c3')} + 100000, 'nobody')`, ['superfluous contacts acme/ search']],
])('finds %s', async (_what, sql, expected) => {
  expect(await after(sql)).toEqual(expected);
});

test('finds several at once, and a rebuild mends them', async () => {
  expect(await after(`UPDATE documents SET body = json_set(body, '$.email', 'x') WHERE id LIKE 'c_'`)).toHaveLength(9);
  for (const projection of host.projector.deps.projections) await host.projector.rebuild(projection, {});
  expect((await verified()).differing).toBe(0);
});

test.each(['events_by_organization', 'documents_by_department'])('finds an index that lacks a row: %s', async (index) => {
  await commit(host, 'acme', 0, { type: 'ContactUpdated', data: { contactId: 'c8', changes: { metadata: { department: 'Sales' } } } });
  inStore(folder, (file) => {
    const { sql } = file.prepare('SELECT sql FROM sqlite_master WHERE name = ?').get([index]) as { sql: string };
    const [from, to] = index === 'events_by_organization' ? [sql, `${sql} WHERE position <> 3`] : [sql, `${sql} AND id <> 'c8'`];
    file.exec(`DROP INDEX ${index}; ${to}; PRAGMA writable_schema = ON`);
    file.prepare('UPDATE sqlite_master SET sql = ? WHERE name = ?').run([from, index]);
    file.exec('PRAGMA writable_schema = RESET');
  });
  const { differing, damage } = await verified();
  expect(differing).toBe(0);
  expect(damage).toEqual(expect.arrayContaining([expect.stringMatching(new RegExp(`row \\d+ missing from index ${index}`))]));
});

test.each(['documents', 'events', 'search_trigrams_data'])('tells of a page of %s that cannot be read, and of all that is wrong with the file besides', async (table) => {
  const [page, other] = inStore(folder, (file) => {
    file.pragma('wal_checkpoint(TRUNCATE)');
    const leaf = `SELECT pgoffset, pgsize FROM dbstat WHERE name = ?1 AND pagetype = 'leaf' ORDER BY path LIMIT 1 OFFSET (SELECT count(*) / 2 FROM dbstat WHERE name = ?1 AND pagetype = 'leaf')`;
    return [table, 'history'].map((name) => file.prepare(leaf).get([name]) as { pgoffset: number; pgsize: number });
  }) as [Page, Page];
  await host.platform.close();
  for (const { pgoffset, pgsize } of [page, other]) overwrite(join(folder, 'contacts.sqlite'), pgoffset, Buffer.alloc(pgsize, 255));
  host = await openTestHost(folder);
  const { damage } = await verified();
  expect(damage).toEqual(expect.arrayContaining([expect.stringMatching(/^Tree \d+ page \d+.*: btreeInitPage\(\) returns error code 11$/)]));
  expect(new Set(damage.flatMap((line) => /^Tree \d+ page (\d+)/.exec(line)?.[1] ?? [])).size).toBeGreaterThanOrEqual(2);
});

test('says which documents cannot be replayed', async () => {
  const stream = contactStream('acme', 'c3');
  expect(await after(`UPDATE events SET type = 'Damaged' WHERE stream = '${stream}'`)).toEqual(['unreadable contacts acme/c3']);
});

test('takes nothing that is written meanwhile for a difference', async () => {
  let done = false;
  const revisions = new Map<string, number>();
  const writer = async (lane: number) => {
    for (let n = lane; !done; n = (n + 4) % 250) {
      const [id, revision] = [`c${n}`, revisions.get(`c${n}`) ?? (n === 5 ? 1 : 0)];
      if (n === 6) continue;
      const changes = { notes: `${revision}` };
      await commit(host, 'acme', revision, { type: 'ContactUpdated', data: { contactId: id, changes } });
      revisions.set(id, revision + 1);
    }
  };
  const writers = [0, 1, 2, 3].map(writer);
  while (revisions.size < 100) expect((await verified()).differences).toEqual([]);
  done = true;
  await Promise.all(writers);
});
