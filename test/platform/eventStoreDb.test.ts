// The EventStoreDB adapter where a real server hurts: each test stands for a line of what was
// observed of client and server, and the double behaves as they did.

import { describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { readEvent, UnreadableEventError } from '../../src/domain/events/registry.js';
import { MAX_APPEND_BYTES } from '../../src/platform/servers/eventStoreDbLog.js';
import { UnavailableError } from '../../src/ports/errors.js';
import type { StoredEvent } from '../../src/ports/eventLog.js';
import { all, storedEvent, storedEvents } from '../contract/samples.js';
import { appendEach, following, foreign, idsOf, newStream, open, openLog } from '../support/doubledLogs.js';
import { failures } from '../support/eventStoreDouble/index.js';

describe('an append', () => {
  test('is a call of its own, so that nothing is shared with others that fail', async () => {
    const { double, log } = await open();
    await Promise.all(Array.from({ length: 20 }, () => log.append(newStream(), 'none', storedEvents(2))));
    expect(double.calls).toMatchObject({ append: 20, batchAppend: 0 });
  });

  test.each([1, 3])('whose answer was lost is settled, and stored once (%i events)', async (count) => {
    const { double, log } = await open();
    const [stream, events] = [newStream(), storedEvents(count)];
    double.next('append', { do: 'lose-answer' });
    const answer = await log.append(stream, 'none', events);
    expect(answer).toMatchObject({ outcome: 'appended', revision: count - 1 });
    const stored = await all(log.read(stream, 0));
    expect(idsOf(stored)).toEqual(idsOf(events));
    expect(stored.at(-1)?.position).toBe('position' in answer && answer.position);
  });

  test('that is never answered is given up and tried again', async () => {
    const { double, log } = await open({ patience: { appendTry: 200 } });
    const stream = newStream();
    double.next('append', { do: 'swallow' });
    double.next('append', { do: 'delay', ms: 2_000 });
    expect(await log.append(stream, 'none', storedEvents(1))).toMatchObject({ outcome: 'appended', revision: 0 });
    expect(double.calls.append).toBeGreaterThanOrEqual(3);
  });

  test('and 63 others in flight when the connection is cut are each stored once', async () => {
    const { double, log } = await open();
    const appends = Array.from({ length: 64 }, () => ({ stream: newStream(), events: storedEvents(2) }));
    const answers = appends.map(({ stream, events }) => log.append(stream, 'none', events));
    for (let cuts = 0; cuts < 5; cuts += 1) {
      await sleep(5);
      double.connections.cut();
    }
    for (const answer of await Promise.all(answers)) expect(answer).toMatchObject({ outcome: 'appended', revision: 1 });
    for (const { stream, events } of appends) expect(idsOf(await all(log.read(stream, 0)))).toEqual(idsOf(events));
  });

  test('that cannot be settled in time is an UnavailableError with what went wrong as its cause', async () => {
    const { double, log } = await open({ patience: { append: 400 } });
    await double.connections.down();
    const append = log.append(newStream(), 'none', storedEvents(1));
    await expect(append).rejects.toThrow(UnavailableError);
    await expect(append).rejects.toMatchObject({ cause: expect.any(Error) });
  });

  test.each(['notReady', 'tooBusy', 'timeout', 'unknown', 'stopping', 'deadline', 'noLeaderInfo'] as const)(
    'that the server refuses for now is tried again (%s), a read too',
    async (refusal) => {
      const { double, log } = await open();
      const stream = newStream();
      double.next('append', { do: 'refuse', with: failures[refusal]() }, 2);
      expect(await log.append(stream, 'none', storedEvents(1))).toMatchObject({ outcome: 'appended', revision: 0 });
      double.next('read', { do: 'refuse', with: failures[refusal]() }, 2);
      expect(await all(log.read(stream, 0))).toHaveLength(1);
    },
  );

  test.each(['accessDenied', 'invalid'] as const)('that the server will always refuse is not tried again (%s)', async (refusal) => {
    const { double, log } = await open();
    double.next('append', { do: 'refuse', with: failures[refusal]('') }, 9);
    await expect(log.append(newStream(), 'none', storedEvents(1))).rejects.toThrow(UnavailableError);
    expect(double.calls.append).toBe(1);
  });

  test('goes to the leader, as reads and subscriptions do, when a follower says where it is', async () => {
    const { double: follower, log } = await open();
    const { double: leader } = await open();
    const [stream, events] = [newStream(), storedEvents(1)];
    follower.follow({ host: '127.0.0.1', port: leader.port });
    expect(await log.append(stream, 'none', events)).toMatchObject({ outcome: 'appended' });
    expect(leader.log.stream(stream)).toHaveLength(1);
    expect(idsOf(await all(openLog(follower.url).read(stream, 0)))).toEqual(idsOf(events));
    expect(idsOf(await following(openLog(follower.url)).count(1))).toEqual(idsOf(events));
  });

  test('finds a node by discovery', async () => {
    const { double } = await open();
    const log = openLog(double.url.replace('esdb://', 'esdb+discover://'));
    expect(await log.append(newStream(), 'none', storedEvents(1))).toMatchObject({ outcome: 'appended' });
  });

  test('of what JSON cannot say is refused before anything is sent', async () => {
    const { double, log } = await open();
    const events = [storedEvent({ large: 1n } as never)];
    await expect(log.append(newStream(), 'none', events)).rejects.toThrow(TypeError);
    expect(double.calls.append).toBe(0);
  });

  test('over the limit of the server is refused before anything is sent, one just below it is stored', async () => {
    const { double, log } = await open();
    const sized = (bytes: number) => storedEvents(4).map((event) => ({ ...event, data: { text: 'x'.repeat(bytes / 4) } }));
    const answer = log.append(newStream(), 'none', sized(MAX_APPEND_BYTES));
    await expect(answer).rejects.toMatchObject({ name: 'AppendTooLargeError', message: expect.stringContaining(String(MAX_APPEND_BYTES)) });
    expect(double.calls.append).toBe(0);
    expect(await log.append(newStream(), 'none', sized(MAX_APPEND_BYTES - 2_000))).toMatchObject({ outcome: 'appended' });
  });

  test('conflicts as ever when the connection string has conflicts returned instead of thrown', async () => {
    const { double } = await open();
    const log = openLog(`${double.url}&throwOnAppendFailure=false`);
    const [stream, events] = [newStream(), storedEvents(2)];
    await log.append(stream, 'none', events);
    expect(await log.append(stream, 'none', storedEvents(2))).toEqual({ outcome: 'conflict' });
    expect(await log.append(stream, 'none', events)).toMatchObject({ outcome: 'appended', revision: 1 });
  });

  test('to a stream that an operator deleted for good is a conflict; it reads as one that does not exist', async () => {
    const { double, log } = await open();
    const [tombstoned, deleted] = [newStream(), newStream()];
    for (const stream of [tombstoned, deleted]) await log.append(stream, 'none', storedEvents(2));
    double.log.delete(tombstoned, 'hard');
    double.log.delete(deleted, 'soft');
    expect(await log.append(tombstoned, 1, storedEvents(1))).toEqual({ outcome: 'conflict' });
    for (const stream of [tombstoned, deleted]) {
      expect(await all(log.read(stream, 0))).toEqual([]);
      expect(await log.last(stream)).toBeNull();
    }
  });
});

describe('an encrypted connection', () => {
  const user = { name: 'contacts', password: 'p@ss:w?rd' };

  test('carries the credentials of the connection string with every call', async () => {
    const { log } = await open({}, { user });
    const events = storedEvents(2);
    const follower = following(log);
    await follower.caughtUp();
    await appendEach(log, events);
    expect(idsOf(await follower.count(2))).toEqual(idsOf(events));
    expect(idsOf((await log.readAll(null, 10)).events)).toEqual(idsOf(events));
    expect(await log.head()).toBe(follower.events()[1]?.position);
  });

  test('is made only with a server whose certificate is known, and by who is known to it, and neither is asked for again', async () => {
    const { double } = await open({}, { user });
    const by = (url: string) => openLog(url, { patience: { append: 60_000, read: 60_000 } });
    const wrong = by(double.url.replace(/:[^:@]+@/, ':guessed@'));
    await expect(wrong.readAll(null, 1)).rejects.toThrow(UnavailableError);
    await expect(wrong.append(newStream(), 'none', storedEvents(1))).rejects.toThrow(UnavailableError);
    const nobody = by(double.url.replace(/\/\/.*@/, '//'));
    await expect(nobody.readAll(null, 1)).rejects.toThrow(UnavailableError);
    const unknown = openLog(double.url.replace(/\?.*/, ''), { patience: { read: 500 } });
    await expect(unknown.readAll(null, 1)).rejects.toThrow(UnavailableError);
    expect(double.log.last()?.stream.startsWith('contact-')).toBe(false);
  });
});

describe('a read', () => {
  test('leaves out what the server writes at the end of a stream that is deleted for good, as does who follows', async () => {
    const { double, log } = await open();
    const [stream, events, after] = [newStream(), storedEvents(2), storedEvent()];
    await log.append(stream, 'none', events);
    const follower = following(log);
    await follower.caughtUp();
    double.log.delete(stream, 'hard');
    const head = await log.head();
    await log.append(newStream(), 'none', [after]);
    expect(idsOf(await follower.count(3))).toEqual(idsOf([...events, after]));
    const { events: found } = await log.readAll(null, 10);
    expect(idsOf(found)).toEqual(idsOf([...events, after]));
    expect(head).toBe(found[1]?.position);
  });

  test('of a stream whose beginning is gone gives each event once', async () => {
    const { double, log } = await open();
    const stream = newStream();
    await log.append(stream, 'none', storedEvents(3));
    double.log.delete(stream, 'soft');
    const events = storedEvents(1_200);
    await log.append(stream, 2, events);
    expect(idsOf(await all(log.read(stream, 0)))).toEqual(idsOf(events));
  });

  test('leaves out what is not ours, however much it is, and moves past it', async () => {
    const { double, log } = await open();
    const events = storedEvents(3);
    await appendEach(log, events.slice(0, 1));
    for (let n = 0; n < 1_000; n += 1) double.log.foreign();
    double.log.append('contacts-of-others-1', 'any', [{ ...foreign(), type: 'Other' }]);
    await appendEach(log, events.slice(1));
    for (let n = 0; n < 1_000; n += 1) double.log.foreign();
    const first = await log.readAll(null, 2);
    expect(idsOf(first.events)).toEqual(idsOf(events.slice(0, 2)));
    // More at a time, once there is more of others' than one page holds.
    expect(double.calls.read).toBeLessThan(6);
    const rest = await log.readAll(first.position, 2);
    expect(idsOf(rest.events)).toEqual(idsOf(events.slice(2)));
    expect(rest.caughtUp).toBe(true);
    expect(log.compare(rest.position, rest.events[0]?.position ?? null)).toBeGreaterThan(0);
    expect(await log.readAll(rest.position, 2)).toEqual({ events: [], position: rest.position, caughtUp: true });
  });

  test('looks at a bounded number of events in one go', async () => {
    const { double, log } = await open();
    for (let n = 0; n < 10_500; n += 1) double.log.foreign();
    await appendEach(log, storedEvents(1));
    const first = await log.readAll(null, 500);
    expect(first).toMatchObject({ events: [], caughtUp: false });
    expect(await log.readAll(first.position, 500)).toMatchObject({ events: [expect.anything()], caughtUp: true });
  });

  test('of the head looks back over a bounded number of events, and says how far', async () => {
    const { double, log } = await open();
    for (let n = 0; n < 25_000; n += 1) double.log.foreign();
    const head = await log.head();
    expect(double.calls.read).toBeLessThan(40);
    const follower = following(log);
    await follower.position((position) => log.compare(position, head) >= 0);
    const answer = await log.append(newStream(), 'none', storedEvents(1));
    const ours = 'position' in answer ? answer.position : null;
    expect(log.compare(ours, head)).toBeGreaterThan(0);
    expect(await log.head()).toBe(ours);
  });

  test('of the head finds the last event of ours behind whatever follows', async () => {
    const { double, log } = await open();
    expect(await log.head()).toBeNull();
    const answer = await log.append(newStream(), 'none', storedEvents(3));
    for (let n = 0; n < 2_000; n += 1) double.log.foreign();
    const head = 'position' in answer ? answer.position : null;
    expect(await log.head()).toBe(head);
    expect(await openLog(double.url).head()).toBe(head);
  });

  test('that gives nothing any more is given up and tried again', async () => {
    const { double, log } = await open({ patience: { stalled: 200, read: 10_000 } });
    const stream = newStream();
    await log.append(stream, 'none', storedEvents(3));
    double.next('read', { do: 'swallow' });
    expect(await all(log.read(stream, 0))).toHaveLength(3);
    expect(double.calls.read).toBe(2);
  });

  test('that is cut in the middle is made again', async () => {
    const { double, log } = await open();
    const stream = newStream();
    const events = storedEvents(300);
    await log.append(stream, 'none', events);
    double.next('read', { do: 'cut-after', events: 120 });
    expect(idsOf(await all(log.read(stream, 0)))).toEqual(idsOf(events));
    double.next('read', { do: 'cut-after', events: 120 });
    expect(idsOf((await log.readAll(null, 1_000)).events)).toEqual(idsOf(events));
  });

  test('while the server is gone is an UnavailableError; when it is back all goes on', async () => {
    const { double, log } = await open({ patience: { read: 100 } });
    const stream = newStream();
    await log.append(stream, 'none', storedEvents(1));
    await double.connections.down();
    const reads = () => [log.head(), log.last(stream), log.readAll(null, 1), all(log.read(stream, 0))];
    for (const read of reads()) await expect(read).rejects.toThrow(UnavailableError);
    await double.connections.up();
    expect(await log.last(stream)).toMatchObject({ revision: 0 });
    await Promise.all(reads());
  });

  test('gives an event that another program wrote under one of our names, which is unreadable to whoever opens it', async () => {
    const { double, log } = await open();
    const binary = { ...foreign(), contentType: 'application/octet-stream', data: Buffer.from([1, 2, 3]), metadata: Buffer.from([4]) };
    const listed = { ...foreign(), type: 'ContactDeleted', data: Buffer.from('[1]'), metadata: Buffer.from('{"schemaVersion":1}') };
    double.log.append('contact-acme-1', 'any', [foreign(), { ...foreign(), type: 'ContactDeleted' }, binary, listed]);
    const { events } = await log.readAll(null, 10);
    expect(events).toHaveLength(4);
    for (const { type, data, metadata } of events) expect(() => readEvent(type, data, metadata)).toThrow(UnreadableEventError);
    expect(await all(log.read('contact-acme-1', 0))).toEqual(events);
    const follower = following(log);
    double.log.append('contact-acme-1', 'any', [{ ...binary, id: randomUUID() }]);
    expect(await follower.count(5)).toHaveLength(5);
  });

  test('from a position behind the end of the log says that the log is not the one it was', async () => {
    const { double, log } = await open({ patience: { read: 100 } });
    await appendEach(log, storedEvents(5));
    const { events } = await log.readAll(null, 5);
    double.log.forgetAfter(placeOf(events[2]));
    expect(await log.reaches(events[2]?.position ?? '')).toBe(true);
    expect(await log.reaches(events[3]?.position ?? '')).toBe(false);
    const refusal = { name: 'UnavailableError', cause: { message: expect.stringContaining('backup') } };
    await expect(log.readAll(events[4]?.position ?? null, 5)).rejects.toMatchObject(refusal);
    expect(await following(log, events[4]?.position ?? null).failed()).toMatchObject(refusal);
    expect(await log.readAll(events[2]?.position ?? null, 5)).toMatchObject({ events: [], caughtUp: true });
  });

  test('waits for a server that comes back, or takes over, and does not know all of its log as yet', async () => {
    const { double, log } = await open({ patience: { read: 10_000 } });
    await appendEach(log, storedEvents(5));
    const { events } = await log.readAll(null, 5);
    const [third, fourth, last] = [events[2], events[3], events[4]].map((event) => event?.position ?? '');
    double.log.fallBehind(placeOf(events[2]));
    const asked = [log.reaches(last ?? ''), log.readAll(fourth ?? '', 5), log.pick(events.map((event) => ({ ...event, organizationId: '' })))] as const;
    const follower = following(log, last);
    await sleep(200);
    double.log.index();
    expect(await asked[0]).toBe(true);
    expect(await asked[1]).toMatchObject({ events: [events[4]], caughtUp: true });
    expect(await asked[2]).toEqual(events);
    await appendEach(log, storedEvents(1));
    expect(await follower.count(1)).toHaveLength(1);
    expect((await log.readAll(third ?? '', 10)).events).toHaveLength(3);
  });

  test('from where a server does not know as yet whether there is something is an UnavailableError', async () => {
    const { double, log } = await open({ patience: { read: 100 } });
    await appendEach(log, storedEvents(2));
    const { events } = await log.readAll(null, 2);
    double.log.fallBehind(placeOf(events[0]));
    await expect(log.reaches(events[1]?.position ?? '')).rejects.toThrow(UnavailableError);
    await expect(log.readAll(events[1]?.position ?? '', 2)).rejects.not.toMatchObject({ cause: { message: expect.stringContaining('backup') } });
  });

  test('from a position of its own making only', async () => {
    const { log } = await open();
    for (const position of ['', '1', '1/x', 'a/1', '-1/1', '1/2/3']) await expect(log.readAll(position, 1)).rejects.toThrow(RangeError);
    expect(await log.reaches('17')).toBe(false);
  });
});

function placeOf(event: StoredEvent | undefined) {
  const [commit, prepare] = (event?.position ?? '').split('/').map(BigInt);
  return { commit: commit ?? 0n, prepare: prepare ?? 0n };
}
