// One client's stream of Server-Sent Events. It is written as fast as the client reads: what it has
// not read yet is not held for it, but found again by its position. A client that reads nothing at
// all for a while is let go of.

import type { ServerResponse } from 'node:http';
import type { AlarmClock } from '../ports/clock.js';
import type { EventReader } from './deps.js';

/** How often a client that there is nothing for is written to, so that both ends know of each other, in ms. */
const HEARTBEAT_MS = 15_000;
/** How long a client may leave what was written unread, in ms. */
const STALLED_MS = 15_000;
/** How much is written at a time; no more than that, and one event, waits in memory. */
const CHUNK_BYTES = 48_000;

export interface StreamOptions {
  types: readonly string[];
  clock: AlarmClock;
  /** When it ends, in ms since 1970. */
  endsAt: number;
  /** Ends it when it aborts. */
  stopped: AbortSignal;
}

/** Writes events to `response` until the client leaves or stalls, or the stream is to end. @throws what reading throws */
export async function streamEvents(response: ServerResponse, reader: EventReader, options: StreamOptions): Promise<void> {
  const { clock, endsAt, stopped } = options;
  const ended = new AbortController();
  const end = () => {
    ended.abort();
    reader.close();
  };
  response.once('close', end);
  stopped.addEventListener('abort', end);
  const forgetEnd = Number.isFinite(endsAt) ? clock.after(endsAt - clock.now().getTime(), end) : () => undefined;
  const forgetBeat = beat(response, reader, clock);
  try {
    if (stopped.aborted) end();
    while (!ended.signal.aborted) await writeNext(response, reader, options, ended.signal);
  } finally {
    forgetEnd();
    forgetBeat();
    stopped.removeEventListener('abort', end);
    reader.close();
    response.end();
  }
}

async function writeNext(response: ServerResponse, reader: EventReader, { types, clock }: StreamOptions, ended: AbortSignal): Promise<void> {
  const { bytes, position } = await reader.next(types, CHUNK_BYTES);
  if (ended.aborted) return;
  reader.position = position;
  if (bytes.length === 0) await reader.grown();
  else if (!response.write(bytes)) await drained(response, clock, ended);
}

/** Waits until the client has read on; one that does not for a while is cut off. */
function drained(response: ServerResponse, clock: AlarmClock, ended: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      forget();
      response.off('drain', done);
      ended.removeEventListener('abort', done);
      resolve();
    };
    const forget = clock.after(STALLED_MS, () => response.destroy());
    response.once('drain', done);
    ended.addEventListener('abort', done);
    if (ended.aborted) done();
  });
}

/** A comment now and then, with the position: the client resumes there though nothing it asked for came. */
function beat(response: ServerResponse, reader: EventReader, clock: AlarmClock): () => void {
  let forget = () => undefined as void;
  const again = () => {
    forget = clock.after(HEARTBEAT_MS, () => {
      if (!response.writableNeedDrain) response.write(`: heartbeat\n${reader.position === null ? '' : `id: ${reader.position}\n`}\n`);
      again();
    });
  };
  again();
  return () => forget();
}
