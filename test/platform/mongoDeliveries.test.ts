// Webhook deliveries on MongoDB where a write was cut short between its steps.

import { expect, test } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { openMongo } from '../../src/platform/servers/mongoPlatform.js';
import { wrappingKey } from '../contract/embedded.js';
import { describeMongo } from '../support/mongo.js';

const ref = { organizationId: 'acme', endpointId: 'e1' };
const at = new Date('2026-03-01T10:00:00Z');
const endpoint = {
  id: 'e1', organizationId: 'acme', url: 'https://example.com/', events: [], description: null, ordered: false,
  status: 'enabled', disabledReason: null, disabledAt: null, createdAt: at.toISOString(), updatedAt: at.toISOString(),
} as const;

describeMongo('webhook deliveries on MongoDB', (mongo) => {
  test('a retry that was cut short is done again by the next one', async () => {
    const url = mongo.newDatabase();
    const { webhooks, close } = await openMongo({ url, wrappingKeys: [wrappingKey()], projections: [], compare: () => 0 });
    const client = new MongoClient(url);
    try {
      const { endpoints, deliveries } = webhooks;
      await endpoints.put({ ...endpoint, events: [] }, 0, '1');
      const of = { organizationId: 'acme', contactId: 'ada', eventId: 'e', topic: 'contact.created' };
      await deliveries.add({ ...of, endpointId: 'e1', id: 'd', sequence: 0, erased: false }, { ...of, body: Buffer.from('x') }, at);
      await deliveries.record([{ ...ref, id: 'd', contactId: 'ada', attempt: null, next: { status: 'failed' }, health: null }], at);
      // As a copy of the service left it that died between the steps of a retry.
      await client.db().collection<{ _id: string }>('webhook_deliveries').updateOne({ _id: 'd' }, { $set: { status: 'pending', tries: 0, nextAt: null } });
      expect(await deliveries.due(ref, at, 10)).toEqual([]);
      expect(await deliveries.retry(ref, 'd', at)).toBe('pending');
      expect(await deliveries.due(ref, at, 10)).toMatchObject([{ id: 'd' }]);
    } finally {
      await client.close();
      await close();
    }
  });
});
