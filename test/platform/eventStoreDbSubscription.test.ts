// Following EventStoreDB where a real server hurts: each test stands for a line of what was observed
// of client and server, and the double behaves as they did.

import { describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventStoreDbLog } from '../../src/platform/servers/eventStoreDbLog.js';
import { UnavailableError } from '../../src/ports/errors.js';
import type { EventBatch, Position } from '../../src/ports/eventLog.js';
import { storedEvents } from '../contract/samples.js';
import { appendEach, following, idsOf, newStream, open, openLog, own } from '../support/doubledLogs.js';
import { failures, type EventStoreDouble } from '../support/eventStoreDouble/index.js';

describe('a subscription', () => {
  test('is one for the whole process, however many follow and wherever they are', async () => {
    const { double, log } = await open();
    await appendEach(log, storedEvents(10));
    const { events } = await log.readAll(null, 10);
    const followers = Array.from({ length: 30 }, (_, n) => following(log, events[n % 10]?.position ?? null));
    await Promise.all(followers.map((follower) => follower.caughtUp()));
    await appendEach(log, storedEvents(5));
    for (const [n, follower] of followers.entries()) await follower.count(9 - (n % 10) + 5);
    expect(double.calls.subscribe).toBe(1);
  });

  const drops: [string, (double: EventStoreDouble) => void][] = [
    ['the connection is cut', (double) => double.connections.cut()],
    ['the server is stopping', (double) => double.dropSubscriptions(failures.stopping())],
    ['the server finds us too slow', (double) => double.dropSubscriptions(failures.tooSlow())],
    ['the server does not know why', (double) => double.dropSubscriptions(failures.unknown())],
    ['it is refused a few times after a cut', (double) => (double.next('subscribe', { do: 'refuse', with: failures.notReady() }, 3), double.connections.cut())],
    ['it is cut again after each few events', (double) => (double.next('subscribe', { do: 'cut-after', events: 7 }, 4), double.connections.cut())],
  ];
  test.each(drops)('goes on without loss or repetition when %s', async (_, drop) => {
    const { double, log } = await open();
    const [follower, late] = [following(log), following(log)];
    await Promise.all([follower.caughtUp(), late.caughtUp()]);
    const events = storedEvents(120);
    for (let n = 0; n < events.length; n += 10) {
      await appendEach(log, events.slice(n, n + 10));
      if (n % 30 === 0) drop(double);
    }
    expect(idsOf(await follower.count(events.length))).toEqual(idsOf(events));
    expect(idsOf(await late.count(events.length))).toEqual(idsOf(events));
  });

  test('goes on after the server was gone, and tells once that it was', async () => {
    const troubles: unknown[] = [];
    const { double, log } = await open({ onTrouble: (error) => troubles.push(error) });
    const follower = following(log);
    await follower.caughtUp();
    await double.connections.down();
    await sleep(700);
    expect(troubles).toHaveLength(1);
    await double.connections.up();
    await appendEach(log, storedEvents(3));
    expect(await follower.count(3)).toHaveLength(3);
  });

  test('that the server ends because events come faster than it sends them goes on, and is no trouble', async () => {
    const troubles: unknown[] = [];
    const { double, log } = await open({ onTrouble: (error) => troubles.push(error) });
    const follower = following(log);
    await follower.caughtUp();
    for (let drops = 0; drops < 3; drops += 1) {
      while (double.subscriptions.size === 0) await sleep(5);
      double.dropSubscriptions(failures.tooSlow());
      double.subscriptions.clear();
      await appendEach(log, storedEvents(1));
      await follower.count(drops + 1);
    }
    expect(troubles).toEqual([]);
  });

  test('can begin while the server is gone', async () => {
    const { double, log } = await open({ patience: { read: 50 } });
    await appendEach(log, storedEvents(3));
    await double.connections.down();
    const follower = following(log);
    await sleep(200);
    await double.connections.up();
    expect(await follower.count(3)).toHaveLength(3);
  });

  test('moves its position over foreign events, never past one of ours that it has not given', async () => {
    const { double, log } = await open();
    const follower = following(log);
    await follower.caughtUp();
    const ours: string[] = [];
    for (let n = 0; n < 2_500; n += 1) {
      if (n % 97 !== 0) double.log.foreign();
      else ours.push(...double.log.append(newStream(), 'no_stream', [own()]).outcome === 'appended' ? [double.log.last()?.id ?? ''] : []);
      if (n % 50 === 0) await sleep(1);
    }
    await follower.count(ours.length);
    for (let n = 0; n < 1_500; n += 1) double.log.foreign();
    const last = follower.events().at(-1)?.position ?? null;
    await follower.position((position) => log.compare(position, last) > 0);
    expect(idsOf(follower.events())).toEqual(ours);
    expectInOrder(log, follower.batches);
  });

  test('goes on from a checkpoint at what $all does not give to who reads it', async () => {
    const { double, log } = await open();
    await appendEach(log, storedEvents(1));
    const follower = following(log);
    await follower.caughtUp();
    const last = follower.batches.at(-1)?.position ?? null;
    for (let n = 0; n < 1_024; n += 1) double.log.foreign('$epoch-information', '$epoch-information');
    await follower.position((position) => log.compare(position, last) > 0);
    const reached = follower.batches.at(-1)?.position ?? '';
    expect(await log.reaches(reached)).toBe(true);
    expect(await log.readAll(reached, 10)).toMatchObject({ events: [], caughtUp: true });
    const events = storedEvents(2);
    await appendEach(log, events);
    expect(idsOf(await following(openLog(double.url), reached).count(2))).toEqual(idsOf(events));
  });

  test('passes over what the server takes for one of ours and whose name says otherwise', async () => {
    const { double, log } = await open();
    const follower = following(log);
    await follower.caughtUp();
    double.log.append('con\u00adtact-acme-1', 'any', [own()]);
    const events = storedEvents(1);
    await appendEach(log, events);
    expect(idsOf(await follower.count(1))).toEqual(idsOf(events));
  });

  test('from a position whose event was scavenged misses nothing that comes after', async () => {
    const { double, log } = await open();
    for (let n = 0; n < 50; n += 1) double.log.foreign();
    const { position } = await log.readAll(null, 10);
    const events = storedEvents(3);
    await appendEach(log, events);
    double.log.scavenge(({ stream }) => stream.startsWith('$'));
    expect(idsOf((await log.readAll(position, 10)).events)).toEqual(idsOf(events));
    expect(idsOf(await following(log, position).count(3))).toEqual(idsOf(events));
  });

  test('is let go of when the log is closed, and says so to those who follow', async () => {
    const { double, log } = await open();
    const follower = following(log);
    await follower.caughtUp();
    while (double.subscriptions.size === 0) await sleep(5);
    await log.close();
    expect(await follower.failed()).toBeInstanceOf(UnavailableError);
    while (double.subscriptions.size > 0) await sleep(5);
    await expect(log.head()).rejects.toThrow(UnavailableError);
  });

  test('closes at once while it is about to begin', async () => {
    const { double, log } = await open();
    double.next('read', { do: 'delay', ms: 100 }, 2);
    const follower = following(log);
    await sleep(50);
    await log.close();
    expect(await follower.failed()).toBeInstanceOf(UnavailableError);
  });

  test.each(['read', 'append'] as const)('closes at once, whatever is under way (%s)', async (method) => {
    const { double, log } = await open();
    await log.append(newStream(), 'none', storedEvents(1));
    double.next(method, { do: 'swallow' }, 9);
    const call = method === 'read' ? log.readAll(null, 10) : log.append(newStream(), 'none', storedEvents(1));
    const outcome = expect(call).rejects.toThrow(UnavailableError);
    await sleep(50);
    await log.close();
    if (method === 'read') await outcome;
    await double.connections.down();
    await outcome;
  });

  test('closes at once when no server was ever found', async () => {
    const { double } = await open();
    const log = openLog(double.url.replace('esdb://', 'esdb+discover://'), { patience: { read: 100 } });
    await double.connections.down();
    await expect(log.head()).rejects.toThrow(UnavailableError);
    await log.close();
  });
});

/** Each batch begins after the one before it and reaches at least to its own last event. */
function expectInOrder(log: EventStoreDbLog, batches: readonly EventBatch[]): void {
  let before: Position | null = null;
  for (const { events, position } of batches) {
    for (const event of events) {
      expect(log.compare(event.position, before)).toBeGreaterThan(0);
      before = event.position;
    }
    expect(log.compare(position, before)).toBeGreaterThanOrEqual(0);
    before = position;
  }
}
