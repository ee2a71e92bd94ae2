// MongoDB gone and back: what needs it is told so, and all goes on without a restart.

import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { eventually } from '../crash/load.js';
import { describeMongo } from '../support/mongo.js';
import { startTestService } from '../support/service.js';

/** A way to a server that can be cut and mended; the port stays. */
class Link {
  private server: Server | null = null;
  private readonly sockets = new Set<Socket>();
  private port = 0;

  constructor(private readonly target: { host: string; port: number }) {}

  /** Opens the way; returns its port. */
  async mend(): Promise<number> {
    const server = createServer((socket) => {
      const other = connect(this.target);
      for (const end of [socket, other]) {
        this.sockets.add(end);
        end.on('error', () => undefined).on('close', () => [socket, other].forEach((each) => each.destroy()));
      }
      socket.pipe(other).pipe(socket);
    });
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
    return this.port;
  }

  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.server?.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
    await closed;
  }
}

describeMongo('MongoDB gone and back', (mongo) => {
  test('reads and writes get 503 with Retry-After, the service says why, and goes on by itself', async () => {
    const url = new URL(mongo.newDatabase());
    const link = new Link({ host: url.hostname, port: Number(url.port || 27_017) });
    url.host = `127.0.0.1:${await link.mend()}`;
    // A replica set would tell the way past the link.
    url.searchParams.delete('replicaSet');
    url.searchParams.set('directConnection', 'true');
    const service = await startTestService({ MONGODB_URL: url.href });
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
