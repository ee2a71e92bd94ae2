// What every index of events by organization must do, however it is kept.

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { EventIndex } from '../../src/ports/eventIndex.js';
import type { EventLog, NewStoredEvent, Position, StoredEvent } from '../../src/ports/eventLog.js';
import { contactStream, reportingStream } from '../../src/domain/streams.js';
import { eventMetadata } from './samples.js';

export interface OpenedIndex {
  log: EventLog;
  index: EventIndex;
  /** Has what makes the index make it of up to so many events more; where nothing does, it is nothing. */
  advance(events: number): Promise<void>;
  /** Makes the index anew, where something makes it. */
  rebuild(): Promise<void>;
  close(): Promise<void>;
}

const types = ['ContactCreated', 'ContactUpdated', 'ContactDeleted'];
const everything = 1_000_000;

/** Runs the suite on the index that `open` makes; the log may hold others' events. */
export function eventIndexContract(name: string, open: () => Promise<OpenedIndex>): void {
  describe(`event index, ${name}`, () => {
    let opened: OpenedIndex;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.close());

    const newOrganization = () => `org ${randomUUID()}`;
    const event = (organizationId: string, type = 'ContactCreated'): NewStoredEvent => ({ id: randomUUID(), type, data: { n: type }, metadata: eventMetadata(organizationId) });
    /** Appends events to a stream of their own, or one that stands at `revision`. */
    const append = async (organizationId: string, events: NewStoredEvent[], id: string = randomUUID(), revision = -1) => {
      const result = await opened.log.append(contactStream(organizationId, id), revision === -1 ? 'none' : revision, events);
      expect(result.outcome).toBe('appended');
    };
    const read = (organizationId: string, after: Position | null = null, limit = 100, of: readonly string[] = types) => opened.index.read(organizationId, { after, limit, types: of });
    /** An organization's events, as a walk through the whole log gives them. */
    const walked = async (organizationId: string) => {
      const found: StoredEvent[] = [];
      for (let position: Position | null = null; ; ) {
        const batch = await opened.log.readAll(position, 500);
        found.push(...batch.events.filter(({ metadata }) => metadata.organizationId === organizationId));
        if (batch.caughtUp) return found;
        ({ position } = batch);
      }
    };
    /** Every page of `limit`, one after the other, until one says that there is no more. */
    const paged = async (organizationId: string, limit: number, between: () => Promise<void> = async () => undefined) => {
      const found: StoredEvent[] = [];
      for (let after: Position | null = null; ; ) {
        const { events, position, coveredTo } = await read(organizationId, after, limit);
        expect(events.length).toBeLessThanOrEqual(limit);
        found.push(...events);
        if (coveredTo !== null) return found;
        after = position;
        await between();
      }
    };

    test('of an organization without events has none, from the first on and up to the end', async () => {
      const { events, position, coveredTo } = await read(newOrganization());
      expect([events, position]).toEqual([[], null]);
      expect(opened.log.compare(coveredTo, await opened.log.head())).toBeGreaterThanOrEqual(0);
    });

    test('shows what was appended at once, and the same once it has been indexed, and made anew', async () => {
      const [organization, other] = [newOrganization(), newOrganization()];
      await append(organization, [event(organization), event(organization, 'ContactUpdated')], 'c1');
      await append(other, [event(other)]);
      await append(organization, [event(organization, 'ContactDeleted')], 'c1', 1);
      const expected = await walked(organization);
      expect(expected.map(({ type }) => type)).toEqual(types);
      const last = expected.at(-1)?.position;
      const whole = () => read(organization).then(({ events, position }) => expect([events, position]).toEqual([expected, last]));
      await whole();
      await opened.advance(1);
      await whole();
      await opened.advance(everything);
      await whole();
      await opened.rebuild();
      await whole();
      expect((await read(other)).events).toEqual(await walked(other));
    });

    test('goes on after a position, which need not be one of its own', async () => {
      const [organization, other] = [newOrganization(), newOrganization()];
      await append(organization, [event(organization)]);
      await append(other, [event(other)]);
      await opened.advance(everything);
      await append(organization, [event(organization)]);
      const [first, second] = await walked(organization);
      const [between] = await walked(other);
      for (const after of [first, between]) expect((await read(organization, after?.position)).events).toEqual([second]);
      const end = await read(organization, second?.position);
      expect([end.events, end.position]).toEqual([[], second?.position]);
      expect(opened.log.compare(end.coveredTo, second?.position ?? null)).toBeGreaterThanOrEqual(0);
    });

    test('goes on after a position that no event has, as a client may make one up', async () => {
      const organization = newOrganization();
      for (let n = 0; n < 2; n += 1) await append(organization, [event(organization)]);
      const [, second] = await walked(organization);
      const before = (second?.position ?? '').replaceAll(/\d+/g, (digits) => String(Number(digits) - 1));
      for (const events of [0, everything]) {
        await opened.advance(events);
        expect((await read(organization, before)).events).toEqual([second]);
      }
    });

    test('finds nothing after a position beyond the end of the log, and takes it for covered', async () => {
      const organization = newOrganization();
      await append(organization, [event(organization)]);
      const beyond = (await opened.log.head() ?? '').replaceAll(/\d+/g, (digits) => `${digits}9`);
      for (const events of [0, everything]) {
        await opened.advance(events);
        expect(await read(organization, beyond)).toEqual({ events: [], position: beyond, coveredTo: beyond });
      }
    });

    test('gives those of the types asked for, and moves past the others', async () => {
      const organization = newOrganization();
      for (const type of ['ContactCreated', 'ContactUpdated', 'ContactCreated', 'ContactUpdated', 'ContactUpdated']) await append(organization, [event(organization, type)]);
      await opened.log.append(reportingStream(organization), 'none', [event(organization, 'ReportingLineClaimed')]);
      const all = await walked(organization);
      for (const events of [0, everything]) {
        await opened.advance(events);
        const found = await read(organization, null, 100, ['ContactCreated']);
        expect(found.events).toEqual([all[0], all[2]]);
        expect(found.position).toBe(all.at(-1)?.position);
        expect(found.coveredTo).not.toBeNull();
        const first = await read(organization, null, 1, ['ContactCreated']);
        expect(first).toEqual({ events: [all[0]], position: all[0]?.position, coveredTo: null });
        expect(await read(organization, null, 100, ['ContactDeleted'])).toMatchObject({ events: [], position: all.at(-1)?.position });
      }
    });

    test('reads a page of as many streams as events', async () => {
      const organization = newOrganization();
      await Promise.all(Array.from({ length: 120 }, () => append(organization, [event(organization)])));
      await opened.advance(everything);
      const expected = await walked(organization);
      expect((await read(organization, null, 1_000)).events).toEqual(expected);
      expect(await paged(organization, 50)).toEqual(expected);
    });

    test('is the walk through the log, however events fall to organizations and streams, wherever the index stands', async () => {
      const appends = fc.array(fc.record({ organization: fc.nat(1), stream: fc.nat(2), types: fc.array(fc.constantFrom(...types), { minLength: 1, maxLength: 3 }), advance: fc.nat(2) }), { maxLength: 15 });
      await fc.assert(
        fc.asyncProperty(appends, fc.integer({ min: 1, max: 7 }), async (told, limit) => {
          const organizations = [newOrganization(), newOrganization()] as const;
          const revisions = new Map<string, number>();
          for (const { organization, stream, types: its, advance } of told) {
            const id = organizations[organization] as string;
            const revision = revisions.get(`${organization}/${stream}`) ?? -1;
            await append(id, its.map((type) => event(id, type)), `s${stream}`, revision);
            revisions.set(`${organization}/${stream}`, revision + its.length);
            await opened.advance(advance);
          }
          for (const organization of organizations) expect(await paged(organization, limit, () => opened.advance(1))).toEqual(await walked(organization));
        }),
        { numRuns: 8 },
      );
    });

    test('knows the form of its positions', async () => {
      const head = await opened.log.head();
      expect(head !== null && opened.index.isPosition(head)).toBe(true);
      for (const text of ['', 'x', '-1', '1e3', '1/2/3', '{}']) expect(opened.index.isPosition(text)).toBe(false);
    });
  });
}
