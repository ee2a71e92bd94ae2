// Verify on MongoDB: finds nothing where nothing was done, and whatever was done to what is kept.

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { MongoClient, type Document } from 'mongodb';
import { readSettings } from '../../src/config.js';
import { openHost } from '../../src/host.js';
import type { Host } from '../../src/operations/operation.js';
import { verifyOperation } from '../../src/operations/verify.js';
import { temporaryFolder } from '../support/folder.js';
import { describeMongo } from '../support/mongo.js';
import { commit, createContacts } from '../support/projecting.js';
import { testEnvironment } from '../support/service.js';

describeMongo('verify on MongoDB', (mongo) => {
  let url: string;
  let host: Host;
  beforeEach(async () => {
    url = mongo.newDatabase();
    host = await openHost(readSettings({ ...testEnvironment, DATA_DIR: temporaryFolder(), MONGODB_URL: url }));
    for (const projection of host.projector.deps.projections) await host.projector.rebuild(projection, {});
    await createContacts(host, 'acme', ['c1', 'c2', 'c3', 'c4']);
    await commit(host, 'acme', 0, { type: 'ContactUpdated', data: { contactId: 'c2', changes: { notes: 'a secret' } } });
    await commit(host, 'acme', 0, { type: 'ContactDeleted', data: { contactId: 'c3' } });
    await commit(host, 'acme', 0, { type: 'ContactErased', data: { contactId: 'c4', reason: 'asked' } });
    await host.platform.keys.destroy({ organizationId: 'acme', id: 'c4' });
  });
  afterEach(() => host.platform.close());

  const verified = async () => {
    const { differences } = await verifyOperation.run(host, { projection: null }, () => undefined, new AbortController().signal);
    return differences.map(({ kind, projection, organizationId, id, fields }) => `${kind} ${projection} ${organizationId}/${id} ${fields.join(' ')}`.trim());
  };

  const changed = async (what: string, filter: Document, update: Document) => {
    const client = new MongoClient(url);
    const live = (await host.platform.projectionStore.live('contacts'))?.number;
    const { matchedCount } = await client.db().collection(`contacts_${live}${what}`).updateOne(filter, update);
    await client.close();
    expect(matchedCount).toBe(1);
  };

  test('finds nothing where nothing was done', async () => {
    expect(await verified()).toEqual([]);
  });

  test.each<[string, string, Document, Document, string]>([
    ['a history', '_history', { id: 'c2', revision: 1 }, { $set: { changes: '[]' } }, 'different contacts acme/c2 history'],
    ['a version', '_versions', { id: 'c2' }, { $set: { body: '{}' } }, 'different contacts acme/c2 history'],
    ['the search', '', { _id: 'acme/c1' }, { $set: { grams: ['x'] } }, 'different contacts acme/c1 search'],
    ['a list', '', { _id: 'acme/c1' }, { $set: { status: 'archived' } }, 'different contacts acme/c1 index.status'],
  ])('finds what was done to %s', async (_, what, filter, update, difference) => {
    await changed(what, filter, update);
    expect(await verified()).toEqual([difference]);
  });
});
