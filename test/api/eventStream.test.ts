// One client's stream, its clock moved by hand: a sign of life every 15 seconds, and an end for a
// client that does not read.

import { afterEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { EventReader } from '../../src/api/deps.js';
import { streamEvents } from '../../src/api/eventStream.js';
import { apiServer } from '../../src/api/server.js';
import { ManualClock } from '../support/clock.js';
import { until } from '../support/receiver.js';

let server: Server;
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

const types = ['ContactDeleted'];

/** A server that streams from `reader` to whoever asks. */
async function serve(reader: EventReader) {
  const clock = new ManualClock();
  const asked: { response: ServerResponse; ended: Promise<void> }[] = [];
  server = apiServer((_, response) => {
    response.flushHeaders();
    asked.push({ response, ended: streamEvents(response, reader, { types, clock, endsAt: Number.POSITIVE_INFINITY, stopped: new AbortController().signal }) });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { clock, asked, port: (server.address() as AddressInfo).port };
}

test('a client that there is nothing for is told every 15 seconds where it stands', async () => {
  let close = () => undefined as void;
  const closed = new Promise<void>((resolve) => (close = resolve));
  const quiet: EventReader = {
    position: '41',
    next: () => Promise.resolve({ bytes: Buffer.alloc(0), position: '41' }),
    grown: () => closed,
    close: () => close(),
  };
  const { clock, asked, port } = await serve(quiet);
  const [response] = (await once(get({ port, host: '127.0.0.1', agent: false }), 'response')) as [IncomingMessage];
  let text = '';
  response.on('data', (part) => (text += String(part))).on('error', () => undefined);
  const beats = () => text.split(': heartbeat\nid: 41\n\n').length - 1;
  await clock.advance(14_999, () => turn());
  expect(text).toBe('');
  for (let count = 1; count <= 3; count += 1) {
    await clock.advance(count === 1 ? 1 : 15_000, () => turn());
    await until(() => beats() === count, `heartbeat ${count}`);
  }
  expect(text).toBe(': heartbeat\nid: 41\n\n'.repeat(3));
  response.destroy();
  await asked[0]?.ended;
});

test('a client that reads nothing is cut off after 15 seconds, and until then costs 64 kB at most', async () => {
  const frame = Buffer.from(`data: ${JSON.stringify({ text: 'x'.repeat(2_000) })}\n\n`);
  let given = 0;
  let closed = false;
  const endless: EventReader = {
    position: null,
    next: (_, maxBytes) => Promise.resolve({ bytes: Buffer.concat(Array(Math.ceil(maxBytes / frame.length)).fill(frame)), position: String((given += 1)) }),
    grown: () => Promise.resolve(),
    close: () => (closed = true),
  };
  const { clock, asked, port } = await serve(endless);
  const deaf: Socket = connect(port, '127.0.0.1').on('error', () => undefined);
  deaf.pause().write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await until(() => asked[0]?.response.writableNeedDrain === true && isFull(asked[0].response), 'the buffers of the system are full');
  const { response, ended } = asked[0] as (typeof asked)[number];
  const before = given;
  await clock.advance(14_999, () => turn());
  expect([given, response.destroyed]).toEqual([before, false]);
  expect(response.writableLength).toBeGreaterThan(0);
  expect(response.writableLength).toBeLessThanOrEqual(64_000);
  await clock.advance(1, () => turn());
  await ended;
  expect([response.destroyed, closed, given]).toEqual([true, true, before]);
  deaf.destroy();
});

let lastLength = 0;
let same = 0;

/** Whether what waits to be written has been the same for a while: nobody takes any of it. */
function isFull({ writableLength }: ServerResponse): boolean {
  same = writableLength === lastLength ? same + 1 : 0;
  lastLength = writableLength;
  return same > 20;
}
