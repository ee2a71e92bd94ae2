// What every event log must do: guards of append, order, reading, subscribing.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventBatch, EventLog, ExpectedRevision, NewStoredEvent, Position, StoredEvent } from '../../src/ports/eventLog.js';
import { all, storedEvent, storedEvents } from './samples.js';

export interface OpenedLog {
  log: EventLog;
  close(): Promise<void>;
}

let streams = 0;
const newStream = () => `contact-acme-${(streams += 1)}`;
const idsOf = (events: readonly { id: string }[]) => events.map(({ id }) => id);

/** Runs the suite on the logs that `open` makes, each empty at first. */
export function eventLogContract(name: string, open: () => Promise<OpenedLog>): void {
  describe(`event log, ${name}`, () => {
    appending(open);
    retrying(open);
    racing(open);
    reading(open);
    subscribing(open);
  });
}

/** A log of its own for the tests of one group. */
function useLog(open: () => Promise<OpenedLog>): () => EventLog {
  let opened: OpenedLog;
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(() => opened.close());
  return () => opened.log;
}

/** A log of its own for one test. */
async function withLog(open: () => Promise<OpenedLog>, work: (log: EventLog) => Promise<void>): Promise<void> {
  const { log, close } = await open();
  try {
    await work(log);
  } finally {
    await close();
  }
}

/** Appends `count` events to a stream of their own, in runs of 500. */
async function fill(log: EventLog, count: number, stream = newStream()): Promise<NewStoredEvent[]> {
  const events = storedEvents(count);
  for (let start = 0; start < count; start += 500) {
    await log.append(stream, start === 0 ? 'none' : start - 1, events.slice(start, start + 500));
  }
  return events;
}

function appending(open: () => Promise<OpenedLog>): void {
  describe('append', () => {
    const log = useLog(open);

    test('starts a stream at revision 0 and goes on without gaps', async () => {
      const stream = newStream();
      const first = await log().append(stream, 'none', storedEvents(2));
      expect(first).toMatchObject({ outcome: 'appended', revision: 1, position: expect.any(String) });
      expect(await log().append(stream, 1, storedEvents(3))).toMatchObject({ outcome: 'appended', revision: 4 });
      expect((await all(log().read(stream, 0))).map(({ revision }) => revision)).toEqual([0, 1, 2, 3, 4]);
    });

    const guards: [string, number, ExpectedRevision][] = [
      ["'none' on a stream of one event", 1, 'none'],
      ["'none' on a stream of three events", 3, 'none'],
      ['a lower revision', 3, 1],
      ['the lowest revision', 3, 0],
      ['a higher revision', 3, 3],
      ['a much higher revision', 3, 1_000],
      ['revision 0 of a missing stream', 0, 0],
      ['revision 7 of a missing stream', 0, 7],
    ];
    test.each(guards)('refuses %s and stores nothing', async (_, existing, expected) => {
      const stream = newStream();
      if (existing > 0) await log().append(stream, 'none', storedEvents(existing));
      const head = await log().head();
      expect(await log().append(stream, expected, storedEvents(2))).toEqual({ outcome: 'conflict' });
      expect(await all(log().read(stream, 0))).toHaveLength(existing);
      expect(await log().head()).toBe(head);
    });

    test('stores several events all or none', async () => {
      const stream = newStream();
      await log().append(stream, 'none', storedEvents(1));
      const [lost, kept] = await Promise.all([log().append(stream, 'none', storedEvents(5)), log().append(stream, 0, storedEvents(5))]);
      expect([lost.outcome, kept.outcome]).toEqual(['conflict', 'appended']);
      expect(await all(log().read(stream, 0))).toHaveLength(6);
    });

    test('goes on after a refusal', async () => {
      const stream = newStream();
      await log().append(stream, 5, storedEvents(1));
      expect(await log().append(stream, 'none', storedEvents(1))).toMatchObject({ outcome: 'appended', revision: 0 });
    });

    test('keeps data and metadata as they were given', async () => {
      const stream = newStream();
      const data = {
        text: 'Zoë 😀 \u0000 \u2028 "quoted" \\',
        number: -1.5e-7,
        large: Number.MAX_SAFE_INTEGER,
        nothing: null,
        list: [1, [2, { three: [] }], {}],
        $set: { 'a.b': true },
        ['__proto__x']: false,
        '': 'empty key',
      };
      const proto = JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": 1}}');
      const events = [storedEvent(data), storedEvent(proto), storedEvent({})];
      await log().append(stream, 'none', events);
      const stored = await all(log().read(stream, 0));
      expect(stored).toEqual(events.map((event, revision) => ({ ...event, stream, revision, position: expect.any(String) })));
      expect(JSON.stringify(stored[1]?.data)).toBe(JSON.stringify(proto));
      const { events: fromAll } = await log().readAll(null, 10_000);
      expect(fromAll.filter((event) => event.stream === stream)).toEqual(stored);
    });

    test('keeps streams apart whose names are alike', async () => {
      const names = ['contact-a-1', 'contact-a-b-1', 'contact-a%2Db-1', 'contact-A-1', 'contact-a-1 ', 'contact-a-%', 'contact-a-_'];
      for (const stream of names) expect(await log().append(stream, 'none', storedEvents(1))).toMatchObject({ revision: 0 });
      for (const stream of names) expect(await all(log().read(stream, 0))).toMatchObject([{ stream }]);
    });
  });
}

function retrying(open: () => Promise<OpenedLog>): void {
  describe('append, tried again', () => {
    const log = useLog(open);

    test.each([1, 3])('answers as at first and stores once (%i events)', async (count) => {
      const stream = newStream();
      const [first, second] = [storedEvents(count), storedEvents(count)];
      const answers = [await log().append(stream, 'none', first), await log().append(stream, count - 1, second)];
      expect(await log().append(stream, 'none', first)).toEqual(answers[0]);
      expect(await log().append(stream, count - 1, second)).toEqual(answers[1]);
      expect(idsOf(await all(log().read(stream, 0)))).toEqual(idsOf([...first, ...second]));
    });

    test('is one append when both tries run at once', async () => {
      const stream = newStream();
      const events = storedEvents(2);
      const answers = await Promise.all(Array.from({ length: 10 }, () => log().append(stream, 'none', events)));
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
      expect(answers[0]).toMatchObject({ outcome: 'appended', revision: 1 });
      expect(await all(log().read(stream, 0))).toHaveLength(2);
    });

    test('conflicts with the same ids and another expectation', async () => {
      const stream = newStream();
      const events = storedEvents(3);
      await log().append(stream, 'none', events);
      for (const expected of [0, 1, 3]) expect(await log().append(stream, expected, events)).toEqual({ outcome: 'conflict' });
      expect(await all(log().read(stream, 0))).toHaveLength(3);
    });

    test('conflicts with the same expectation and other ids, even when one id is the same', async () => {
      const stream = newStream();
      const events = storedEvents(2);
      await log().append(stream, 'none', events);
      const mixed = [events[0] as NewStoredEvent, storedEvent()];
      expect(await log().append(stream, 'none', mixed)).toEqual({ outcome: 'conflict' });
      expect(await log().append(stream, 'none', [...events].reverse())).toEqual({ outcome: 'conflict' });
      expect(await log().append(stream, 'none', [...events, storedEvent()])).toEqual({ outcome: 'conflict' });
      expect(await all(log().read(stream, 0))).toHaveLength(2);
    });
  });
}

function racing(open: () => Promise<OpenedLog>): void {
  describe('racing writers', () => {
    const log = useLog(open);

    const race = async (stream: string, expected: ExpectedRevision) => {
      const runs = Array.from({ length: 40 }, () => storedEvents(2));
      const answers = await Promise.all(runs.map((events) => log().append(stream, expected, events)));
      const winners = runs.filter((_, index) => answers[index]?.outcome === 'appended');
      expect(winners).toHaveLength(1);
      expect(answers.filter(({ outcome }) => outcome === 'conflict')).toHaveLength(39);
      return winners[0] as NewStoredEvent[];
    };

    test("have one winner when all expect 'none'", async () => {
      const stream = newStream();
      const winner = await race(stream, 'none');
      expect(idsOf(await all(log().read(stream, 0)))).toEqual(idsOf(winner));
    });

    test('have one winner when all expect the same revision', async () => {
      const stream = newStream();
      await log().append(stream, 'none', storedEvents(3));
      const winner = await race(stream, 2);
      expect(idsOf(await all(log().read(stream, 3)))).toEqual(idsOf(winner));
    });

    test('do not hinder one another on streams of their own', async () => {
      const answers = await Promise.all(Array.from({ length: 40 }, () => log().append(newStream(), 'none', storedEvents(1))));
      expect(answers.every((answer) => answer.outcome === 'appended')).toBe(true);
    });
  });
}

/** A batch reaches at least to its last event; of what it passes over behind that, nothing is ours. */
function expectCovered(log: EventLog, { events, position }: EventBatch): void {
  expect(log.compare(position, events.at(-1)?.position ?? null)).toBeGreaterThanOrEqual(0);
}

/** Every event after `from`, read in pages of `limit`. */
async function paged(log: EventLog, limit: number, from: Position | null = null): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for (let position = from; ; ) {
    const batch = await log.readAll(position, limit);
    expect(batch.events.length).toBeLessThanOrEqual(limit);
    events.push(...batch.events);
    expectCovered(log, batch);
    position = batch.position;
    if (batch.caughtUp) return events;
  }
}

function reading(open: () => Promise<OpenedLog>): void {
  describe('an empty log', () => {
    const log = useLog(open);

    test('has no head, no last, nothing to read', async () => {
      expect(await log().head()).toBeNull();
      expect(await log().last(newStream())).toBeNull();
      expect(await all(log().read(newStream(), 0))).toEqual([]);
      expect(await log().readAll(null, 10)).toMatchObject({ events: [], caughtUp: true });
    });

    test('gives a position that reading goes on from', async () => {
      const { position } = await log().readAll(null, 10);
      expect(await log().readAll(position, 10)).toMatchObject({ events: [], caughtUp: true });
      await log().append(newStream(), 'none', storedEvents(1));
      expect((await log().readAll(position, 10)).events).toHaveLength(1);
    });
  });

  describe('reading', () => {
    const log = useLog(open);
    let appended: NewStoredEvent[] = [];
    let long = '';
    beforeAll(async () => {
      long = newStream();
      const [first, second] = [storedEvents(2), storedEvents(1)];
      const [one, other] = [newStream(), newStream()];
      await log().append(one, 'none', first);
      await log().append(other, 'none', second);
      const many = await fill(log(), 4_500, long);
      const end = storedEvents(2);
      await log().append(one, 1, end);
      appended = [...first, ...second, ...many, ...end];
    });

    test.each([1_000, 500, 499, 1_501, 100_000])('gives all events in the order of appending, in pages of %i', async (limit) => {
      expect(idsOf(await paged(log(), limit))).toEqual(idsOf(appended));
    });

    test('gives a long stream whole, and from any revision', async () => {
      const ids = idsOf(appended.slice(3, 4_503));
      for (const from of [0, 1, 499, 500, 501, 3_999, 4_000, 4_499]) {
        const events = await all(log().read(long, from));
        expect(idsOf(events)).toEqual(ids.slice(from));
        expect(events[0]?.revision).toBe(from);
      }
      expect(await all(log().read(long, 4_500))).toEqual([]);
    });

    test('goes on from the position of any event', async () => {
      const events = await paged(log(), 700);
      for (const index of [0, 1, 2, 3, 499, 500, 2_499, 2_505, 4_000, 4_503, 4_504]) {
        const rest = await log().readAll(events[index]?.position ?? null, 5);
        expect(rest.events).toEqual(events.slice(index + 1, index + 6));
      }
    });

    test('says when a page was the last one', async () => {
      const events = await paged(log(), 1_000);
      const fromEnd = (count: number) => events.at(-1 - count)?.position ?? null;
      expect(await log().readAll(fromEnd(3), 2)).toMatchObject({ caughtUp: false });
      expect(await log().readAll(fromEnd(3), 4)).toMatchObject({ caughtUp: true });
      const end = await log().readAll(fromEnd(0), 4);
      expect(end).toMatchObject({ events: [], caughtUp: true });
      expect(log().compare(end.position, fromEnd(0))).toBeGreaterThanOrEqual(0);
    });

    test('knows the last event of a stream and of the log', async () => {
      expect(await log().last(long)).toMatchObject({ id: appended[4_502]?.id, revision: 4_499, stream: long });
      expect(await log().head()).toBe((await paged(log(), 1_000)).at(-1)?.position);
    });

    test('reaches every position that was read from it', async () => {
      const events = await paged(log(), 1_000);
      for (const index of [0, 1, 499, 4_504]) expect(await log().reaches(events[index]?.position ?? '')).toBe(true);
      expect(await log().reaches((await log().readAll(events.at(-1)?.position ?? null, 10)).position)).toBe(true);
    });

    test('compares positions as the log is ordered, nothing before the first', async () => {
      const positions = [null, ...(await paged(log(), 1_000)).map(({ position }) => position)];
      const some = [0, 1, 2, 9, 10, 11, 99, 100, 1_000, 4_505].map((index) => positions[index] ?? null);
      for (const [i, a] of some.entries()) {
        for (const [j, b] of some.entries()) expect(Math.sign(log().compare(a, b))).toBe(Math.sign(i - j));
      }
    });
  });
}

/** What a subscription gives until it has given `count` events; fails after 20 s. */
async function take(log: EventLog, after: Position | null, count: number, pause: () => Promise<unknown> = async () => {}): Promise<EventBatch[]> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), 50_000);
  const batches: EventBatch[] = [];
  let taken = 0;
  for await (const batch of log.subscribe(after, stop.signal)) {
    batches.push(batch);
    taken += batch.events.length;
    await pause();
    if (taken >= count) break;
  }
  clearTimeout(timer);
  stop.abort();
  return batches;
}

/** Whether a subscription from `after` says in time that it has caught up, and after how many events. */
async function catchesUp(log: EventLog, after: Position | null): Promise<number | 'never'> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), 20_000);
  let seen = 0;
  try {
    for await (const batch of log.subscribe(after, stop.signal)) {
      seen += batch.events.length;
      if (batch.caughtUp) return seen;
    }
    return 'never';
  } finally {
    clearTimeout(timer);
  }
}

const eventsOf = (batches: readonly EventBatch[]) => batches.flatMap(({ events }) => events);

function subscribing(open: () => Promise<OpenedLog>): void {
  describe('subscribe', () => {
    test('marks itself caught up on an empty log, then gives what comes', () =>
      withLog(open, async (log) => {
        const stop = new AbortController();
        const batches = log.subscribe(null, stop.signal)[Symbol.asyncIterator]();
        expect((await batches.next()).value).toMatchObject({ events: [], caughtUp: true });
        const next = batches.next();
        const events = storedEvents(2);
        await log.append(newStream(), 'none', events);
        const got = idsOf((await next).value.events);
        // A batch may end between them, or tell only that others' events were passed over.
        while (got.length < events.length) got.push(...idsOf((await batches.next()).value.events));
        expect(got).toEqual(idsOf(events));
        stop.abort();
      }));

    test('catches up from the first event, across batches, then goes on live', () =>
      withLog(open, async (log) => {
        const old = await fill(log, 1_234);
        const taking = take(log, null, 1_237);
        await sleep(50);
        const late = await fill(log, 3);
        const batches = await taking;
        expect(idsOf(eventsOf(batches))).toEqual(idsOf([...old, ...late]));
        for (const batch of batches) expectCovered(log, batch);
      }));

    test.each([0, 1, 499, 501, 1_001])('says that it has caught up, after %i events', (count) =>
      withLog(open, async (log) => {
        await fill(log, count);
        expect(await catchesUp(log, null)).toBe(count);
        expect(await catchesUp(log, await log.head())).toBe(0);
      }));

    test.each([500, 1_000])('says that it has caught up, also when the events make whole batches (%i)', (count) =>
      withLog(open, async (log) => {
        await fill(log, count);
        expect(await catchesUp(log, null)).toBe(count);
      }));

    test('goes on from any position', () =>
      withLog(open, async (log) => {
        await fill(log, 1_100);
        const events = await paged(log, 1_000);
        for (const index of [0, 99, 500, 1_098]) {
          const rest = eventsOf(await take(log, events[index]?.position ?? null, events.length - index - 1));
          expect(rest).toEqual(events.slice(index + 1));
        }
      }));

    test('stops when told, while waiting and while giving', () =>
      withLog(open, async (log) => {
        await fill(log, 1_500);
        const stop = new AbortController();
        let given = 0;
        for await (const batch of log.subscribe(null, stop.signal)) {
          given += batch.events.length;
          stop.abort();
        }
        expect(given).toBeLessThan(1_500);
        const waiting = new AbortController();
        const ended = (async () => {
          for await (const batch of log.subscribe(await log.head(), waiting.signal)) expect(batch.caughtUp).toBe(true);
          return 'ended';
        })();
        await sleep(50);
        waiting.abort();
        expect(await ended).toBe('ended');
        expect(await catchesNothing(log)).toBe(0);
      }));

    test('loses and repeats nothing while 2,000 events are being appended, however slow the taker', () =>
      withLog(open, async (log) => {
        await fill(log, 700);
        const before = await paged(log, 1_000);
        const slow = () => sleep(7);
        const takers = [take(log, null, 2_700), take(log, null, 2_700, slow), take(log, before[349]?.position ?? null, 2_350)];
        await appendConcurrently(log, 2_000);
        const whole = await paged(log, 1_000);
        expect(whole).toHaveLength(2_700);
        const [quick, slowly, late] = (await Promise.all(takers)).map(eventsOf);
        expect(idsOf(quick ?? [])).toEqual(idsOf(whole));
        expect(idsOf(slowly ?? [])).toEqual(idsOf(whole));
        expect(idsOf(late ?? [])).toEqual(idsOf(whole.slice(350)));
      }));

    test('waits for a slow taker, who misses nothing of what came meanwhile', () =>
      withLog(open, async (log) => {
        const stop = new AbortController();
        const batches = log.subscribe(null, stop.signal)[Symbol.asyncIterator]();
        await batches.next();
        const events = await fill(log, 6_000);
        const got: string[] = [];
        while (got.length < events.length) got.push(...idsOf((await batches.next()).value.events));
        expect(got).toEqual(idsOf(events));
        stop.abort();
      }));
  });
}

/** How many batches a subscription gives whose signal is aborted from the start. */
async function catchesNothing(log: EventLog): Promise<number> {
  let batches = 0;
  for await (const _ of log.subscribe(null, AbortSignal.abort())) batches += 1;
  return batches;
}

/** Appends `count` events from 20 writers at once, each to a stream of its own. */
async function appendConcurrently(log: EventLog, count: number): Promise<void> {
  const write = async () => {
    const stream = newStream();
    for (let n = 0; n < count / 20; n += 1) await log.append(stream, n === 0 ? 'none' : n - 1, storedEvents(1));
  };
  await Promise.all(Array.from({ length: 20 }, write));
}
