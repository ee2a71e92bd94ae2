// How the service listens, and how it stops listening: whoever was heard is answered.

import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { BadSettingError, type Settings } from '../config.js';

/** How long a stop waits for requests that are being answered, in ms. */
const DRAIN_MS = 10_000;
/** How long a stop leaves idle connections open: a request on its way is then answered, not cut off. */
const IDLE_GRACE_MS = 500;

/** @throws BadSettingError when the settings name a place where it cannot listen */
export async function listen(server: Server, { PORT, HOST }: Settings): Promise<Server> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, { PORT, HOST })));
    server.listen(PORT, HOST, resolve);
  });
  return server;
}

/** What stands in the way of listening, in the words of the settings; other errors as they are. */
function listenError(error: NodeJS.ErrnoException, { PORT, HOST }: Pick<Settings, 'PORT' | 'HOST'>): Error {
  switch (error.code) {
    case 'EADDRINUSE':
      return new BadSettingError(`PORT ${PORT}: another program listens there, at ${HOST}`);
    case 'EACCES':
      return new BadSettingError(`PORT ${PORT}: there is no permission to listen there`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new BadSettingError(`HOST ${HOST}: is no address of this machine`);
    default:
      return error;
  }
}

/**
 * Takes no new connections and waits for the answers under way. Each answer now closes its
 * connection; those that stay idle are let go of after a moment.
 */
export async function drain(server: Server): Promise<void> {
  // Connections that wait to be taken are taken first.
  await setImmediate();
  // An HTTP server's own `close` would cut off idle connections at once, and with them what was just sent on one.
  const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
  const patience = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  const letGo = new AbortController();
  void closeIdle(server, letGo.signal);
  await closed;
  letGo.abort();
  clearTimeout(patience);
}

async function closeIdle(server: Server, signal: AbortSignal): Promise<void> {
  await sleep(IDLE_GRACE_MS, undefined, { signal }).catch(() => undefined);
  while (!signal.aborted) {
    // What has arrived is read first, however late the timer was: then its connection is not idle.
    await setImmediate();
    server.closeIdleConnections();
    await sleep(50, undefined, { signal }).catch(() => undefined);
  }
}
