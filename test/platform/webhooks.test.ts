// Webhooks where log or read models lie on a server: told in the order of a contact's events, through
// a restart, and again by a replay.

import { expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { EventStoreDouble } from '../support/eventStoreDouble/index.js';
import { temporaryFolder } from '../support/folder.js';
import { describeMongo } from '../support/mongo.js';
import { startReceiver, until, type Received, type Receiver } from '../support/receiver.js';
import { startTestService, type TestService } from '../support/service.js';

const WAIT_MS = 60_000;
const told = ({ received }: Receiver) => received.map(({ body }) => `${body.event} ${body.data.name}`);
const verify = (secret: string, { text, headers }: Received) => new Webhook(secret).verify(text, headers as Record<string, string>);

describeMongo('webhooks', (mongo) => {
  test.each([
    ['EventStoreDB', 'embedded'],
    ['EventStoreDB', 'MongoDB'],
    ['embedded', 'MongoDB'],
  ])('are told with the log in %s and the rest in %s', async (log, rest) => {
    const double = log === 'EventStoreDB' ? await EventStoreDouble.start() : null;
    const receiver = await startReceiver();
    const folder = temporaryFolder();
    const environment = {
      WEBHOOK_ALLOW_PRIVATE_NETWORKS: 'true',
      WEBHOOK_RETRY_SCHEDULE: '0,0.05,0.05',
      ...(double === null ? {} : { EVENTSTORE_URL: double.url }),
      ...(rest === 'MongoDB' ? { MONGODB_URL: mongo.newDatabase() } : {}),
    };
    const serving = async (work: (client: ReturnType<TestService['client']>) => Promise<void>) => {
      const service = await startTestService(environment, folder);
      await work(service.client('acme')).finally(() => service.stop());
    };
    const arrived = (count: number) => until(() => receiver.received.length >= count, `${count} deliveries`, WAIT_MS);
    try {
      let [webhook, contact, secret] = ['', '', ''];
      await serving(async (client) => {
        await client.post('/contacts', { name: 'Before' });
        ({ id: webhook, secret } = (await client.post('/webhooks', { url: receiver.url })).body);
        contact = (await client.post('/contacts', { name: 'Ada' })).body.id;
        await client.put(`/contacts/${contact}`, { name: 'Ada L' });
        await arrived(2);
      });
      await serving(async (client) => {
        await client.put(`/contacts/${contact}`, { name: 'Ada Lovelace' });
        await arrived(3);
        expect(told(receiver)).toEqual(['contact.created Ada', 'contact.updated Ada L', 'contact.updated Ada Lovelace']);
        for (const received of receiver.received) verify(secret, received);
        const replay = await client.post(`/webhooks/${webhook}/replay`, { since: '2020-01-01T00:00:00Z', until: '2100-01-01T00:00:00Z' });
        expect(replay.status).toBe(202);
        await arrived(7);
        expect(new Set(told(receiver))).toContain('contact.created Before');
        expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(4);
      });
    } finally {
      await receiver.close();
      await double?.stop();
    }
  });
});
