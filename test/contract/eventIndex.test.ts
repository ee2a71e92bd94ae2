// The index of events by organization on every platform: of the embedded log, and kept by projecting
// for EventStoreDB in either read store; and what only one that is kept can meet.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { contactStream } from '../../src/domain/streams.js';
import { IndexedEventsOf, type PickingLog } from '../../src/platform/indexedEvents.js';
import { EventStoreDbLog } from '../../src/platform/servers/eventStoreDbLog.js';
import { openMongo } from '../../src/platform/servers/mongoPlatform.js';
import type { Position } from '../../src/ports/eventLog.js';
import { nextStep } from '../../src/projections/advance.js';
import { eventIndexProjection } from '../../src/projections/eventIndex.js';
import { verifyIndex } from '../../src/projections/verifyIndex.js';
import type { Difference } from '../../src/projections/verify.js';
import { EventStoreDouble } from '../support/eventStoreDouble/index.js';
import { describeMongo } from '../support/mongo.js';
import { eventIndexContract } from './eventIndexContract.js';
import { openPlatform, wrappingKey } from './embedded.js';
import { inSqlite, openKept, type KeptIndex, type OpenStore } from './keptIndex.js';
import { eventMetadata } from './samples.js';

/** The index that a read store keeps of a double's events. */
function openOnDouble(double: EventStoreDouble, openStore: OpenStore): Promise<KeptIndex> {
  const log = new EventStoreDbLog({ url: double.url });
  const close = async () => {
    await log.close();
    await double.stop();
  };
  return openKept({ log, close }, openStore);
}

eventIndexContract('the embedded log', async () => {
  const { log, eventIndex: index, close } = await openPlatform();
  return { log, index, advance: async () => undefined, rebuild: async () => undefined, close };
});

test('what stands behind more events of other types than one answer looks at is found by the next ones', async () => {
  const { log, eventIndex, close } = await openPlatform();
  try {
    const event = (type: string) => ({ id: randomUUID(), type, data: {}, metadata: eventMetadata() });
    const others = Array.from({ length: 20_000 }, () => event('ContactCreated'));
    await log.append(contactStream('acme', 'many'), 'none', others);
    await log.append(contactStream('acme', 'rare'), 'none', [event('ContactDeleted')]);
    const first = await eventIndex.read('acme', { after: null, limit: 10, types: ['ContactDeleted'] });
    expect(first).toMatchObject({ events: [], coveredTo: null });
    const second = await eventIndex.read('acme', { after: first.position, limit: 10, types: ['ContactDeleted'] });
    expect(second.events.map(({ stream }) => stream)).toEqual([contactStream('acme', 'rare')]);
    expect(second.coveredTo).toBe(await log.head());
  } finally {
    await close();
  }
});

eventIndexContract('EventStoreDB (protocol double), in the embedded store', async () => openOnDouble(await EventStoreDouble.start({ foreignEvery: 3 }), inSqlite));

describeMongo('on MongoDB', (mongo) => {
  const inMongo: OpenStore = (order) => openMongo({ url: mongo.newDatabase(), wrappingKeys: [wrappingKey()], projections: ['events'], ...order });
  eventIndexContract('EventStoreDB (protocol double), in MongoDB', async () => openOnDouble(await EventStoreDouble.start({ foreignEvery: 3 }), inMongo));
  keptIndex('MongoDB', inMongo);
});
keptIndex('the embedded store', inSqlite);

/** What only an index that is kept apart from the log can meet. */
function keptIndex(name: string, openStore: OpenStore): void {
  describe(`an index of events kept in ${name}`, () => {
    let double: EventStoreDouble;
    let kept: KeptIndex;
    beforeEach(async () => {
      double = await EventStoreDouble.start();
      kept = await openOnDouble(double, openStore);
    });
    afterEach(() => kept.close());

    const append = (id: string) =>
      kept.log.append(contactStream('acme', id), 'none', [{ id: randomUUID(), type: 'ContactCreated', data: { id }, metadata: eventMetadata() }]);
    const read = async () => (await kept.index.read('acme', { after: null, limit: 10, types: ['ContactCreated'] })).events.map(({ data }) => data.id);
    const found = async (size?: number) => {
      const differences: Difference[] = [];
      const compared = await verifyIndex(kept.deps, { found: (difference) => differences.push(difference) }, size);
      return { compared, kinds: differences.map(({ kind, id }) => `${kind} ${id}`) };
    };

    test('leaves out events whose stream an operator deleted, and what another program wrote', async () => {
      for (const id of ['a', 'b', 'c']) await append(id);
      double.log.foreign(contactStream('acme', 'x'), 'Alien');
      await kept.advance(100);
      double.log.delete(contactStream('acme', 'a'), 'soft');
      double.log.delete(contactStream('acme', 'c'), 'hard');
      expect(await read()).toEqual(['b']);
    });

    test('gives a page whether its events lie close together in the log or far apart, with few reads of the server', async () => {
      const others = () => kept.log.append(contactStream('other', randomUUID()), 'none', Array.from({ length: 30 }, () => ({ id: randomUUID(), type: 'ContactCreated', data: {}, metadata: eventMetadata('other') })));
      const ids = Array.from({ length: 80 }, (_, n) => `c${n}`);
      for (const [n, id] of ids.entries()) {
        await append(id);
        if (n < 20) await others();
      }
      await kept.advance(10_000);
      const page = async (from: number) => {
        const { events } = await kept.index.read('acme', { after: from === 0 ? null : positions[from - 1]!, limit: 40, types: ['ContactCreated'] });
        return events.map(({ data }) => data.id);
      };
      const positions = (await kept.deps.store.entries((await kept.deps.store.live('events'))!.number, 'acme', null, (await kept.log.head())!, 100)).map(({ position }) => position);
      expect(await page(0)).toEqual(ids.slice(0, 40));
      const before = double.calls.read;
      expect(await page(40)).toEqual(ids.slice(40));
      expect(double.calls.read - before).toBeLessThan(5);
    });

    test('may be made by several at once, and again', async () => {
      for (const id of ['a', 'b', 'c']) await append(id);
      await kept.rebuild();
      const live = (await kept.deps.store.live('events'))!;
      await append('d');
      const step = await nextStep(eventIndexProjection, live, kept.deps, 10);
      const results = await Promise.all([step.apply(live.position, step.position), step.apply(live.position, step.position)]);
      expect(results.sort()).toEqual([false, true]);
      expect(await kept.deps.store.index(live.number, [], null, step.position)).toBe(false);
      expect(await read()).toEqual(['a', 'b', 'c', 'd']);
      expect(await found()).toEqual({ compared: 4, kinds: [] });
    });

    test('is verified where an organization has no events, too', async () => {
      await append('a');
      const others = () => Array.from({ length: 6 }, () => ({ id: randomUUID(), type: 'ContactCreated', data: {}, metadata: eventMetadata('other') }));
      for (const id of ['o', 'p']) await kept.log.append(contactStream('other', id), 'none', others());
      await append('b');
      const { store, log } = kept.deps;
      await kept.rebuild();
      const { events } = await log.readAll(null, 9);
      const [first, far] = [events[0]!, events[8]!];
      const live = (await store.live('events'))!;
      await append('c');
      const planted = [
        { organizationId: 'acme', position: far.position, stream: contactStream('acme', 'x'), revision: 0, type: 'ContactCreated' },
        { organizationId: 'no-body', position: first.position, stream: contactStream('no-body', 'y'), revision: 3, type: 'ContactCreated' },
        { organizationId: 'other', position: first.position, stream: contactStream('other', 'z'), revision: 0, type: 'ContactCreated' },
      ];
      expect(await store.index(live.number, planted, live.position, (await log.head())!)).toBe(true);
      expect(await found(4)).toEqual({ compared: 15, kinds: ['superfluous z@0', 'missing c@0', 'superfluous y@3', 'superfluous x@0'] });
    });

    test('is verified against the log, and right again when it is made anew', async () => {
      for (const id of ['a', 'b']) await append(id);
      const { store, log } = kept.deps;
      const { events, position } = await log.readAll(null, 10);
      const { number } = await store.build('events', 1);
      const entryOf = (n: number, type: string) => ({ organizationId: 'acme', position: events[n]!.position, stream: events[n]!.stream, revision: 0, type });
      const planted = { ...entryOf(0, 'ContactCreated'), position: position.replaceAll(/\d+/g, (digits) => String(Number(digits) - 1)) };
      expect(await store.index(number, [entryOf(1, 'ContactDeleted'), planted], null, position)).toBe(true);
      expect(await store.switchTo('events', number)).toBe(true);
      expect(await found()).toEqual({ compared: 2, kinds: ['missing a@0', 'different b@0', 'superfluous a@0'] });
      await kept.rebuild();
      expect(await found()).toEqual({ compared: 2, kinds: [] });
      expect((await store.live('events'))?.number).toBeGreaterThan(number);
      expect(await read()).toEqual(['a', 'b']);
    });
  });
}

test('an index far behind the log says so rather than that there is nothing', async () => {
  const batch = (n: number) => ({ position: `${n}`, caughtUp: false, events: Array.from({ length: 500 }, () => ({ position: `${n}`, metadata: { organizationId: 'other' } })) });
  let pages = 0;
  const log = { readAll: async () => batch((pages += 1)), compare: (a: Position | null, b: Position | null) => Number(a) - Number(b) } as unknown as PickingLog;
  const index = new IndexedEventsOf(log, { live: async () => null, entries: async () => [] });
  await expect(index.read('acme', { after: null, limit: 10, types: [] })).rejects.toMatchObject({ name: 'UnavailableError' });
  expect(pages).toBeLessThan(100);
});
