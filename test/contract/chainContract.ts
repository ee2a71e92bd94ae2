// What every store of chains must do.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ChainEnd, ChainStep, ChainStore, Link } from '../../src/ports/chainStore.js';
import type { Position } from '../../src/ports/eventLog.js';
import type { Reopenable } from './stateContracts.js';

const hashOf = (number: number) => number.toString(16).padStart(64, '0');

/** Runs the suite on the store that `open` makes; `position` gives the positions of its log in order. */
export function chainContract(name: string, open: (place: string) => Promise<Reopenable<ChainStore>>, newPlace: () => string, position: (n: number) => Position): void {
  describe(`chain store, ${name}`, () => {
    let place: string;
    let opened: Reopenable<ChainStore>;
    beforeEach(async () => {
      place = newPlace();
      opened = await open(place);
    });
    afterEach(() => opened.close());
    const store = () => opened.store;
    const reopen = async () => {
      await opened.close();
      opened = await open(place);
    };

    const link = (number: number, organizationId: string, sequence: number): Link => ({ number, organizationId, sequence, eventId: `event ${number}`, position: position(number), hash: hashOf(number) });
    const endAt = ({ organizationId, sequence, hash, position: at }: Link, said: Partial<ChainEnd> = {}): ChainEnd => ({
      organizationId,
      sequence,
      hash,
      position: at,
      at: '2026-03-01T10:00:00.000Z',
      signature: `signed ${sequence}`,
      keyFingerprint: 'key',
      lastEvent: sequence,
      covered: 0,
      uncoveredSince: 1_000,
      ...said,
    });
    const step = (from: number | null, to: number, links: Link[], ends: ChainEnd[]): ChainStep => ({ from: from === null ? null : position(from), to: position(to), links, ends });
    const [a1, b1, a2] = [link(1, 'acme', 1), link(2, 'other org', 1), link(3, 'acme', 2)];
    const first = step(null, 3, [a1, b1, a2], [endAt(a2), endAt(b1, { uncoveredSince: 2_000 })]);

    test('begins with nothing', async () => {
      expect(await store().checkpoint()).toEqual({ position: null, links: 0 });
      expect(await store().end('acme')).toBeNull();
      expect(await store().link('acme', 1)).toBeNull();
      expect([await store().links(0, 10), await store().ends(null, 10), await store().due(new Date(9_000), 10)]).toEqual([[], [], []]);
    });

    test('keeps links, ends and checkpoint together, also after reopening', async () => {
      expect(await store().append(first)).toBe(true);
      for (const again of [false, true]) {
        if (again) await reopen();
        expect(await store().checkpoint()).toEqual({ position: position(3), links: 3 });
        expect(await store().links(0, 10)).toEqual([a1, b1, a2]);
        expect(await store().links(1, 1)).toEqual([b1]);
        expect(await store().link('acme', 2)).toEqual(a2);
        expect([await store().link('acme', 3), await store().link('nobody', 1)]).toEqual([null, null]);
        expect(await store().end('other org')).toEqual(endAt(b1, { uncoveredSince: 2_000 }));
        expect(await store().ends(null, 1)).toEqual([endAt(a2)]);
        expect((await store().ends('acme', 10)).map(({ organizationId }) => organizationId)).toEqual(['other org']);
      }
    });

    test('goes on only from where it stands', async () => {
      await store().append(first);
      const a3 = link(4, 'acme', 3);
      const next = step(3, 4, [a3], [endAt(a3)]);
      expect(await store().append(step(null, 4, [a3], [endAt(a3)]))).toBe(false);
      expect(await store().append(step(2, 4, [a3], [endAt(a3)]))).toBe(false);
      expect(await store().checkpoint()).toEqual({ position: position(3), links: 3 });
      expect(await store().link('acme', 3)).toBeNull();
      expect(await store().append(next)).toBe(true);
      expect(await store().end('acme')).toEqual(endAt(a3));
      expect((await store().links(0, 10)).map(({ number }) => number)).toEqual([1, 2, 3, 4]);
    });

    test('one of two that append at once does', async () => {
      const outcomes = await Promise.all([store().append(first), store().append(step(null, 1, [a1], [endAt(a1)]))]);
      expect(outcomes.filter(Boolean)).toHaveLength(1);
      const { links } = await store().checkpoint();
      expect(await store().links(0, 10)).toHaveLength(links);
    });

    test('gives the ends that no head covers for long, those first that wait longest', async () => {
      await store().append(first);
      const dueAt = async (ms: number) => (await store().due(new Date(ms), 10)).map(({ organizationId }) => organizationId);
      expect([await dueAt(999), await dueAt(1_000), await dueAt(5_000)]).toEqual([[], ['acme'], ['acme', 'other org']]);
      const head = link(4, 'acme', 3);
      await store().append(step(3, 4, [head], [endAt(head, { lastEvent: 2, covered: 2, uncoveredSince: null })]));
      expect(await dueAt(5_000)).toEqual(['other org']);
    });

    test('replaces a signature, but not that of an end which has moved', async () => {
      await store().append(first);
      const anew = { ...endAt(a2), at: '2026-03-02T10:00:00.000Z', signature: 'anew', keyFingerprint: 'other key' };
      await store().resign(anew);
      expect(await store().end('acme')).toEqual(anew);
      await store().resign({ ...anew, sequence: 1, signature: 'late' });
      await reopen();
      expect(await store().end('acme')).toEqual(anew);
    });
  });
}
