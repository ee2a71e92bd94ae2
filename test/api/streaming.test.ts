// A large answer that is read as fast as it is written leaves others their turn.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { jsonGroups, jsonList, jsonObject, streamed } from '../../src/api/streaming.js';
import { startTestService, type Client, type TestService } from '../support/service.js';

/** Batches that are there at once, as those that SQLite reads are. */
async function* batches(count: number): AsyncGenerator<{ n: number }[]> {
  for (let n = 0; n < count; n += 1) yield await Promise.resolve([{ n }]);
}

async function* texts(count: number): AsyncGenerator<string> {
  for await (const batch of batches(count)) yield JSON.stringify(batch);
}

/** How often the event loop turned until `answer` was read to its end, by a reader that takes all at once. */
async function turnsOf(answer: Readable): Promise<number> {
  let turns = 0;
  let next: NodeJS.Immediate;
  const count = () => {
    turns += 1;
    next = setImmediate(count);
  };
  next = setImmediate(count);
  await once(answer.resume(), 'end');
  clearImmediate(next);
  return turns;
}

test.each([
  ['text', () => streamed(texts(50))],
  ['a list', () => jsonList(batches(50), '', '')],
  ['lists of an object', () => jsonObject({}, { a: batches(25), b: batches(25) })],
  ['groups', () => jsonGroups(batches(50), ({ n }) => String(n), (item) => item)],
])('%s: the event loop turns after each piece', async (_, answer) => {
  expect(await turnsOf(answer())).toBeGreaterThanOrEqual(50);
});

test('many answers at the same time: the event loop turns after each piece of each', async () => {
  const ends = Array.from({ length: 19 }, () => once(streamed(texts(10)).resume(), 'end'));
  expect(await turnsOf(streamed(texts(10)))).toBeGreaterThanOrEqual(180);
  await Promise.all(ends);
});

describe('while the service streams', () => {
  let service: TestService;
  let client: Client;
  beforeAll(async () => {
    service = await startTestService();
    client = service.client();
    const boss = (await client.post('/contacts', { name: 'boss' })).body.id as string;
    for (let made = 0; made < 1_000; made += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, n) => client.post('/contacts', { name: `n${made + n}`, metadata: { preferredContactMethod: 'email', reportsTo: boss } })));
    }
  });
  afterAll(() => service.stop());

  /** What ended first: the answer to `path`, or the one to a request that was made once that one began. */
  async function firstToEnd(path: string, accept: string): Promise<string> {
    const headers = { Authorization: `Bearer ${client.token}`, Accept: accept };
    const answerTo = async (url: string, agent: Agent) => ((await once(get(url, { agent, headers }), 'response')) as [IncomingMessage])[0].resume();
    // Each has a connection that is open already: opening one takes turns, too.
    const [agent, other] = [new Agent({ keepAlive: true }), new Agent({ keepAlive: true })];
    for (const one of [agent, other]) await once(await answerTo(`${service.origin}/health/live`, one), 'end');
    const ends = async (answer: Promise<IncomingMessage>, name: string) => {
      await once(await answer, 'end');
      return name;
    };
    const long = answerTo(`${client.baseUrl}${path}`, agent);
    await long;
    const both = [ends(long, path), ends(answerTo(`${service.origin}/health/live`, other), 'health')];
    const first = await Promise.race(both);
    await Promise.all(both);
    for (const one of [agent, other]) one.destroy();
    return first;
  }

  const from = new Date(0).toISOString();
  test.each([
    ['/audit', 'text/csv'],
    ['/audit', 'application/x-ndjson'],
    [`/contacts/hierarchy/diff?from=${from}`, 'application/json'],
    ['/contacts/hierarchy', 'application/json'],
    ['/contacts/contact-method/email', 'application/json'],
  ])('another request is answered before %s, as %s, ends', async (path, accept) => {
    expect(await firstToEnd(path, accept)).toBe('health');
  });
});
