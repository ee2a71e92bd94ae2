// The log is moved from the embedded store to EventStoreDB while the rest stays in MongoDB: read
// models made from the one are made anew from the other, and webhooks tell only of what is new in it.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { EventStoreDouble } from '../support/eventStoreDouble/index.js';
import { temporaryFolder } from '../support/folder.js';
import { describeMongo } from '../support/mongo.js';
import { startReceiver, until } from '../support/receiver.js';
import { binary, startTestService, testEnvironment, type TestService } from '../support/service.js';

const WAIT_MS = 60_000;

describeMongo('a log that took the place of another', (mongo) => {
  test('is what read models are made from by a rebuild, and what webhooks go on with', async () => {
    const double = await EventStoreDouble.start();
    const receiver = await startReceiver();
    const folder = temporaryFolder();
    const settings: Record<string, string> = { MONGODB_URL: mongo.newDatabase(), WEBHOOK_ALLOW_PRIVATE_NETWORKS: 'true' };
    const contacts = async (environment: Record<string, string>, ...args: string[]) => {
      const env = { PATH: process.env.PATH ?? '', ...testEnvironment, ...settings, ...environment };
      return (await promisify(execFile)(process.execPath, [binary, ...args], { env })).stdout;
    };
    const ready = async ({ origin }: TestService) => (await fetch(`${origin}/health/ready`)).status;
    try {
      const before = await startTestService(settings, folder);
      await before.client('acme').post('/webhooks', { url: receiver.url });
      const ada = (await before.client('acme').post('/contacts', { name: 'Ada' })).body;
      await until(() => receiver.received.length === 1, 'the first delivery', WAIT_MS);
      await before.stop();
      await contacts({}, 'migrate', '--from', folder, '--to', double.url);

      const server = { EVENTSTORE_URL: double.url, DATA_DIR: folder };
      const after = await startTestService({ ...settings, EVENTSTORE_URL: double.url }, folder);
      const client = after.client('acme');
      try {
        await until(async () => (await ready(after)) === 503, 'the follower to see that it is another log', WAIT_MS);
        expect((await client.get(`/contacts/${ada.id}`)).body).toEqual(ada);
        expect(await contacts(server, 'rebuild')).toContain('contacts: made anew from');
        await until(async () => (await ready(after)) === 200, 'the service to be well', WAIT_MS);
        expect((await client.get(`/contacts/${ada.id}`)).body).toEqual(ada);
        expect((await client.put(`/contacts/${ada.id}`, { name: 'Ada L' })).status).toBe(200);
        expect((await client.post('/contacts', { name: 'Bob' })).status).toBe(201);
        await until(() => receiver.received.length >= 3, 'the deliveries that follow', WAIT_MS);
        expect(receiver.received.map(({ body }) => `${body.event} ${body.data.name}`).slice(1).sort()).toEqual(['contact.created Bob', 'contact.updated Ada L']);
        expect(await contacts(server, 'verify')).toContain('as the events say');
      } finally {
        await after.stop();
      }
    } finally {
      await receiver.close();
      await double.stop();
    }
  });
});
