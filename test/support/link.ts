// A way to a server that can be cut and mended; the port stays.

import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

export class Link {
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

  /** Ends the connections there are; new ones are made as before. */
  drop(): void {
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
  }

  /** Lets nothing through for so long. */
  hold(ms: number): void {
    const held = [...this.sockets];
    for (const socket of held) socket.pause();
    setTimeout(() => held.forEach((socket) => socket.resume()), ms);
  }

  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.server?.close(resolve));
    this.drop();
    await closed;
  }
}

/** A link to the MongoDB of a URL, open, and the URL by which it is reached through it. */
export async function linkToMongo(url: string): Promise<{ link: Link; url: string }> {
  const through = new URL(url);
  const link = new Link({ host: through.hostname, port: Number(through.port || 27_017) });
  through.host = `127.0.0.1:${await link.mend()}`;
  // A replica set would tell the way past the link.
  through.searchParams.delete('replicaSet');
  through.searchParams.set('directConnection', 'true');
  return { link, url: through.href };
}
