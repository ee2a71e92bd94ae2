// Erasing on MongoDB while documents are left from a rebuild that was begun.

import { expect, test } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { readSettings } from '../../src/config.js';
import { openHost } from '../../src/host.js';
import { nextStep } from '../../src/projections/advance.js';
import { contactsProjection } from '../../src/projections/contacts.js';
import { temporaryFolder } from '../support/folder.js';
import { describeMongo } from '../support/mongo.js';
import { startTestService, testEnvironment } from '../support/service.js';

describeMongo('erasing on MongoDB', (mongo) => {
  test('nothing is left in documents that a rebuild has begun', async () => {
    const [dataDir, MONGODB_URL] = [temporaryFolder(), mongo.newDatabase()];
    const first = await startTestService({ MONGODB_URL }, dataDir);
    const { id } = (await first.client('acme').post('/contacts', { name: 'Zq~Canary' })).body;
    await first.client('acme').put(`/contacts/${id}`, { name: 'Zq~Canary again' });
    await first.stop();
    const host = await openHost(readSettings({ ...testEnvironment, DATA_DIR: dataDir, MONGODB_URL }));
    const begun = await host.platform.projectionStore.build('contacts', contactsProjection.version);
    const step = await nextStep(contactsProjection, begun, host.projector.deps, 1);
    expect(await step.apply(begun.position, step.position)).toBe(true);
    await host.platform.close();
    const client = new MongoClient(MONGODB_URL);
    const kept = async () => {
      const names = [begun.number, `${begun.number}_history`, `${begun.number}_versions`].map((name) => `contacts_${name}`);
      return JSON.stringify(await Promise.all(names.map((name) => client.db().collection(name).find().toArray())));
    };
    const second = await startTestService({ MONGODB_URL }, dataDir);
    try {
      expect(await kept()).toContain('Canary');
      expect((await second.client('acme').post(`/contacts/${id}/erase`, { reason: 'DSR-17' })).status).toBe(200);
      expect(await kept()).not.toContain('Canary');
      expect(await kept()).toContain(id);
    } finally {
      await second.stop();
      await client.close();
    }
  }, 60_000);
});
