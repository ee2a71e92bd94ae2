// Verify finds whatever was done to read models behind the service's back, and nothing else.

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

const contact = (id: string) => `id = '${id}' AND collection = (SELECT number FROM collections WHERE projection = 'contacts' AND organization = 'acme')`;

test('finds nothing where nothing was done, and counts what it compared', async () => {
  const units = new Set<string>();
  expect(await verified(({ unit }) => units.add(unit))).toEqual({ compared: 252, differing: 0, differences: [] });
  expect([...units]).toEqual(['events replayed', 'events looked up']);
});

test.each([
  ['a field', `UPDATE documents SET body = json_set(body, '$.name', 'Mallory') WHERE ${contact('c3')}`, ['different contacts acme/c3 name']],
  ['a nested field', `UPDATE documents SET body = json_set(body, '$.metadata.title', 'CEO') WHERE ${contact('c249')}`, ['different contacts acme/c249 metadata.title']],
  ['custom fields', `UPDATE documents SET body = json_set(body, '$.customFields', json('{"private": 1}')) WHERE ${contact('c3')}`, ['different contacts acme/c3 customFields']],
  ['a key', `UPDATE documents SET department = 'engines' WHERE ${contact('c3')}`, ['different contacts acme/c3 keys.department']],
  ['the revision', `UPDATE documents SET revision = 0 WHERE ${contact('c5')}`, ['different contacts acme/c5 notes updatedAt revision']],
  ['a revision that is none', `UPDATE documents SET revision = 9 WHERE ${contact('c5')}`, ['different contacts acme/c5 revision']],
  ['a document removed', `DELETE FROM documents WHERE ${contact('c3')}`, ['missing contacts acme/c3']],
  ['a tombstone removed', `DELETE FROM tombstones WHERE ${contact('c6')}`, ['missing contacts acme/c6']],
  ['a document turned into a tombstone', `INSERT INTO tombstones SELECT collection, id, revision FROM documents WHERE ${contact('c3')}; DELETE FROM documents WHERE ${contact('c3')}`, ['different contacts acme/c3 deleted']],
  ['a document added', `INSERT INTO documents SELECT rowid + 100000, collection, 'c999', revision, status, sort_name, created_at, updated_at, parent_id, department, contact_method, manager_id, primary_id, searchable, body FROM documents WHERE ${contact('c3')}`, ['superfluous contacts acme/c999']],
  ['a company changed', `UPDATE documents SET body = json_set(body, '$.primaryContactId', 'c1') WHERE id = 'f1'`, ['different companies acme/f1 primaryContactId']],
  ['all of an organization', `DELETE FROM documents WHERE collection = (SELECT number FROM collections WHERE organization = 'globex')`, ['missing contacts globex/g1']],
])('finds %s', async (_what, sql, expected) => {
  expect(await after(sql)).toEqual(expected);
});

test('finds several at once, and a rebuild mends them', async () => {
  expect(await after(`UPDATE documents SET body = json_set(body, '$.email', 'x') WHERE id LIKE 'c_'`)).toHaveLength(9);
  for (const projection of host.projector.deps.projections) await host.projector.rebuild(projection, {});
  expect((await verified()).differing).toBe(0);
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
