// MongoDB gone and back: what needs it is told so, and all goes on without a restart.

import { expect, test } from '@jest/globals';
import { eventually } from '../crash/load.js';
import { linkToMongo } from '../support/link.js';
import { describeMongo } from '../support/mongo.js';
import { startTestService } from '../support/service.js';

describeMongo('MongoDB gone and back', (mongo) => {
  test('reads and writes get 503 with Retry-After, the service says why, and goes on by itself', async () => {
    const { link, url } = await linkToMongo(mongo.newDatabase());
    const service = await startTestService({ MONGODB_URL: url });
    try {
      const client = service.client('acme');
      const { id } = (await client.post('/contacts', { name: 'Before' })).body;
      expect(await (await fetch(`${service.origin}/metrics`)).text()).toMatch(/^contacts_append_sync_seconds_count\{store="mongodb"\} [1-9]/m);
      await link.cut();
      for (const reply of [await client.get(`/contacts/${id}`), await client.get(`/contacts/${id}?asOf=2026-01-01T00:00:00Z`), await client.get('/audit'), await client.put(`/contacts/${id}`, { name: 'Meanwhile' })]) {
        expect({ status: reply.status, error: reply.body.error }).toEqual({ status: 503, error: 'SERVICE_UNAVAILABLE' });
        expect(Number(reply.headers.get('Retry-After'))).toBeGreaterThan(0);
      }
      const sick = await fetch(`${service.origin}/health/ready`);
      expect(sick.status).toBe(503);
      expect(((await sick.json()) as { problems: string[] }).problems).toContain('the read models do not answer');
      expect((await fetch(`${service.origin}/health/live`)).status).toBe(200);
      await link.mend();
      await eventually(async () => (await fetch(`${service.origin}/health/ready`)).status, (status) => status === 200, 60_000);
      expect((await client.put(`/contacts/${id}`, { name: 'After' })).status).toBe(200);
      expect((await client.get('/contacts')).body).toMatchObject({ total: 1, data: [{ id, name: 'After' }] });
    } finally {
      await service.stop();
      await link.cut();
    }
  }, 120_000);
});
