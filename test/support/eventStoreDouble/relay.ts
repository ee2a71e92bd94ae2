// A relay of TCP before the double, so that connections can be cut, frozen and refused as by a
// server that is killed, stopped or gone, and the port stays the same when it comes back.

import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export class Relay {
  private readonly pairs = new Set<[Socket, Socket]>();
  private server: Server | undefined;
  private frozen = false;
  /** The port it listens on; set once it does. */
  port = 0;

  constructor(private readonly target: number) {}

  /** Listens, on the same port as before if it did before. */
  async up(port = this.port): Promise<void> {
    if (this.server !== undefined) return;
    const server = createServer((client) => this.join(client));
    this.server = server;
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
  }

  /** Takes no more connections and cuts those there are, as a killed process does. */
  async down(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    this.cut();
    if (server === undefined) return;
    const closed = once(server, 'close');
    server.close();
    await closed;
  }

  /** Cuts every connection; new ones are taken. */
  cut(): void {
    for (const [client, upstream] of this.pairs) {
      client.resetAndDestroy();
      upstream.destroy();
    }
    this.pairs.clear();
  }

  /** Nothing gets through any more, though connections stay open and are taken, as with a stopped process. */
  freeze(): void {
    this.frozen = true;
    for (const pair of this.pairs) pair.forEach((socket) => socket.pause());
  }

  thaw(): void {
    this.frozen = false;
    for (const pair of this.pairs) pair.forEach((socket) => socket.resume());
  }

  private join(client: Socket): void {
    const upstream = connect(this.target, '127.0.0.1');
    const pair: [Socket, Socket] = [client, upstream];
    this.pairs.add(pair);
    const forward = (from: Socket, to: Socket) => {
      from.setNoDelay(true);
      from.on('data', (bytes) => {
        if (to.write(bytes)) return;
        from.pause();
        to.once('drain', () => this.frozen || from.resume());
      });
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => (to.destroy(), this.pairs.delete(pair)));
      if (this.frozen) from.pause();
    };
    forward(client, upstream);
    forward(upstream, client);
  }
}
