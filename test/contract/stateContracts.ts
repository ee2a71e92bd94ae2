// What every store of keys, idempotency records, checkpoints and counters must do.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createSecretKey, type KeyObject } from 'node:crypto';
import type { Checkpoints } from '../../src/ports/checkpoints.js';
import type { CounterStore } from '../../src/ports/counterStore.js';
import { ABANDONED_AFTER_MS, KEY_LIFETIME_MS, type IdempotencyStore } from '../../src/ports/idempotencyStore.js';
import { KeyDestroyedError, type KeyStore, type StoredKey } from '../../src/ports/keyStore.js';

/** A store that can be closed and opened again with all that it holds. */
export interface Reopenable<Store> {
  store: Store;
  close(): Promise<void>;
}

type Open<Store> = (folder: string) => Promise<Reopenable<Store>>;

/** A store of its own for each test; `reopen` closes it and opens it again. */
function useStore<Store>(open: Open<Store>, newFolder: () => string) {
  let folder: string;
  let opened: Reopenable<Store>;
  beforeEach(async () => {
    folder = newFolder();
    opened = await open(folder);
  });
  afterEach(() => opened.close());
  const reopen = async () => {
    await opened.close();
    opened = await open(folder);
  };
  return { store: () => opened.store, reopen };
}

const bytesOf = (key: KeyObject) => key.export().toString('hex');
const usable = (key: StoredKey | undefined) => (key?.state === 'usable' ? bytesOf(key.key) : key?.state);

/** Runs the suite on the key stores that `open` makes in the folders of `newFolder`. */
export function keyStoreContract(name: string, open: Open<KeyStore>, newFolder: () => string): void {
  describe(`key store, ${name}`, () => {
    const { store, reopen } = useStore(open, newFolder);
    const ada = { organizationId: 'acme', id: 'ada' };

    test('gives a subject the same key each time, also after reopening', async () => {
      const key = bytesOf(await store().obtain(ada));
      expect(key).toHaveLength(64);
      expect(bytesOf(await store().obtain(ada))).toBe(key);
      await reopen();
      expect(bytesOf(await store().obtain(ada))).toBe(key);
      await reopen();
      expect((await store().find([ada])).map(usable)).toEqual([key]);
    });

    test('gives forty that ask at once the same key', async () => {
      const keys = await Promise.all(Array.from({ length: 40 }, () => store().obtain(ada)));
      expect(new Set(keys.map(bytesOf)).size).toBe(1);
      await reopen();
      expect(bytesOf(await store().obtain(ada))).toBe(bytesOf(keys[0] as KeyObject));
    });

    test('gives every subject a key of its own, whatever its organization is called', async () => {
      const organizations = ['a', 'a-b', 'a%2Db', 'A', 'a/b', 'ä'];
      const keys = await Promise.all(organizations.map((organizationId) => store().obtain({ organizationId, id: 'b' })));
      keys.push(await store().obtain({ organizationId: 'a', id: 'b/b' }));
      expect(new Set(keys.map(bytesOf)).size).toBe(7);
    });

    test('finds many at once, of several organizations, destroyed and missing ones among them', async () => {
      const subjects = Array.from({ length: 60 }, (_, n) => ({ organizationId: ['acme', 'a-b', 'Ä'][n % 3] ?? '', id: `id-${n % 50}` }));
      const keys = new Map<string, string>();
      for (const subject of subjects) if (Number(subject.id.slice(3)) % 4 !== 0) keys.set(JSON.stringify(subject), bytesOf(await store().obtain(subject)));
      await store().destroy({ organizationId: 'a-b', id: 'id-1' });
      keys.set(JSON.stringify({ organizationId: 'a-b', id: 'id-1' }), 'destroyed');
      await reopen();
      const expected = subjects.map((subject) => keys.get(JSON.stringify(subject)) ?? 'missing');
      expect(new Set(expected).size).toBeGreaterThan(30);
      for (let round = 0; round < 2; round += 1) expect((await store().find(subjects)).map(usable)).toEqual(expected);
    });

    test('gives many their keys at once, known and new ones, in the order asked for', async () => {
      const known = bytesOf(await store().obtain(ada));
      const subjects = [...Array.from({ length: 300 }, (_, n) => ({ ...ada, id: `id-${n}` })), ada, { ...ada, id: 'id-7' }];
      const keys = (await store().obtainMany(subjects)).map(bytesOf);
      expect(new Set(keys).size).toBe(301);
      expect([keys[300], keys[301]]).toEqual([known, keys[7]]);
      await reopen();
      expect((await store().find(subjects)).map(usable)).toEqual(keys);
      expect((await store().obtainMany(subjects)).map(bytesOf)).toEqual(keys);
      expect(await store().obtainMany([])).toEqual([]);
      await store().destroy({ ...ada, id: 'id-5' });
      await expect(store().obtainMany(subjects)).rejects.toBeInstanceOf(KeyDestroyedError);
    });

    test('tells usable, destroyed and missing keys apart, in the order asked for', async () => {
      const [bob, eve] = [{ ...ada, id: 'bob' }, { ...ada, id: 'eve' }];
      const key = bytesOf(await store().obtain(ada));
      await store().obtain(bob);
      await store().destroy(bob);
      const expected = ['missing', key, 'destroyed', key];
      expect((await store().find([eve, ada, bob, ada])).map(usable)).toEqual(expected);
      await reopen();
      expect((await store().find([eve, ada, bob, ada])).map(usable)).toEqual(expected);
      expect(await store().find([])).toEqual([]);
    });

    test('does not make a destroyed key again', async () => {
      await store().obtain(ada);
      await store().destroy(ada);
      await expect(store().obtain(ada)).rejects.toBeInstanceOf(KeyDestroyedError);
      await reopen();
      await expect(store().obtain(ada)).rejects.toBeInstanceOf(KeyDestroyedError);
      await store().destroy(ada);
      expect(await store().find([ada])).toEqual([{ state: 'destroyed' }]);
    });

    test('adopts keys of another store, but none where it has one or destroyed it', async () => {
      const [bob, eve] = [{ ...ada, id: 'bob' }, { ...ada, id: 'eve' }];
      const own = bytesOf(await store().obtain(ada));
      await store().destroy(eve);
      const foreign = createSecretKey(Buffer.alloc(32, 9));
      await store().adopt([ada, bob, eve].map((subject) => ({ subject, key: foreign })));
      await store().adopt([]);
      await reopen();
      expect((await store().find([ada, bob, eve])).map(usable)).toEqual([own, bytesOf(foreign), 'destroyed']);
      expect(bytesOf(await store().obtain(bob))).toBe(bytesOf(foreign));
    });

    test('destroys a key that was never made, and one being made', async () => {
      await store().destroy(ada);
      await expect(store().obtain(ada)).rejects.toBeInstanceOf(KeyDestroyedError);
      const bob = { ...ada, id: 'bob' };
      await Promise.allSettled([store().obtain(bob), store().destroy(bob), store().obtain(bob)]);
      expect(await store().find([bob])).toEqual([{ state: 'destroyed' }]);
      await expect(store().obtain(bob)).rejects.toBeInstanceOf(KeyDestroyedError);
    });
  });
}

/** Runs the suite on the idempotency stores that `open` makes. */
export function idempotencyContract(name: string, open: Open<IdempotencyStore>, newFolder: () => string): void {
  describe(`idempotency store, ${name}`, () => {
    const { store, reopen } = useStore(open, newFolder);
    const request = { organizationId: 'acme', key: 'k', fingerprint: 'f' };
    const ids = { aggregateId: 'a1', eventId: 'e1' };
    const others = { aggregateId: 'a2', eventId: 'e2' };
    const start = Date.parse('2026-03-01T10:00:00Z');
    const after = (ms: number) => new Date(start + ms);
    const answer = { status: 201, headers: { ETag: '"0"', Location: '/é' }, body: '{"name":"Zoë 😀", "n": 1.0}' };
    const reserve = (ms = 0, proposed = ids, asked = request) => store().reserve(asked, proposed, after(ms));
    const fresh = { outcome: 'reserved', ids, takenOver: false };

    test('reserves a key once, and says that the request is running', async () => {
      expect(await reserve()).toEqual(fresh);
      expect(await reserve(1, others)).toEqual({ outcome: 'running' });
      await reopen();
      expect(await reserve(ABANDONED_AFTER_MS - 1, others)).toEqual({ outcome: 'running' });
    });

    test('reserves for one of forty that come at once', async () => {
      const outcomes = (await Promise.all(Array.from({ length: 40 }, () => reserve()))).map(({ outcome }) => outcome);
      expect(outcomes.filter((outcome) => outcome === 'reserved')).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'running')).toHaveLength(39);
    });

    test('gives the kept answer again, letter by letter, also after reopening', async () => {
      await reserve();
      await store().answer(request, answer);
      expect(await reserve(ABANDONED_AFTER_MS + 1, others)).toEqual({ outcome: 'answered', answer });
      await reopen();
      expect(await reserve(KEY_LIFETIME_MS - 1, others)).toEqual({ outcome: 'answered', answer });
    });

    test('refuses the key with another request, running or answered', async () => {
      const changed = { ...request, fingerprint: 'g' };
      await reserve();
      expect(await reserve(1, others, changed)).toEqual({ outcome: 'mismatch' });
      expect(await reserve(ABANDONED_AFTER_MS + 1, others, changed)).toEqual({ outcome: 'mismatch' });
      await store().answer(request, answer);
      expect(await reserve(2, others, changed)).toEqual({ outcome: 'mismatch' });
    });

    test('forgets a released key, but not an answered one', async () => {
      await reserve();
      await store().release(request, after(0));
      expect(await reserve(1, others)).toEqual({ ...fresh, ids: others });
      await store().answer(request, answer);
      await store().release(request, after(1));
      expect(await reserve(2)).toEqual({ outcome: 'answered', answer });
    });

    test('lets an abandoned request be taken over at once, with its own ids, by one', async () => {
      await reserve();
      await store().abandon(request, after(0));
      expect(await reserve(1, others)).toEqual({ outcome: 'reserved', ids, takenOver: true });
      expect(await reserve(2, others)).toEqual({ outcome: 'running' });
    });

    test('leaves a reservation alone that another has taken over, whatever becomes of who had it before', async () => {
      await reserve();
      expect(await reserve(ABANDONED_AFTER_MS, others)).toEqual({ outcome: 'reserved', ids, takenOver: true });
      await store().release(request, after(0));
      await store().abandon(request, after(0));
      expect(await reserve(ABANDONED_AFTER_MS + 1, others)).toEqual({ outcome: 'running' });
      await store().abandon(request, after(ABANDONED_AFTER_MS));
      expect(await reserve(ABANDONED_AFTER_MS + 2, others)).toEqual({ outcome: 'reserved', ids, takenOver: true });
    });

    test('does not take an answer away when the request is abandoned', async () => {
      await reserve();
      await store().answer(request, answer);
      await store().abandon(request, after(0));
      expect(await reserve(1, others)).toEqual({ outcome: 'answered', answer });
    });

    test('lets a request unanswered for 30 s be taken over, and then for 30 s not again', async () => {
      await reserve();
      const tries = await Promise.all([reserve(ABANDONED_AFTER_MS + 1, others), reserve(ABANDONED_AFTER_MS + 1, others)]);
      expect(tries).toEqual(expect.arrayContaining([{ outcome: 'reserved', ids, takenOver: true }, { outcome: 'running' }]));
      expect(await reserve(2 * ABANDONED_AFTER_MS, others)).toEqual({ outcome: 'running' });
      expect(await reserve(2 * ABANDONED_AFTER_MS + 2, others)).toMatchObject({ outcome: 'reserved', takenOver: true });
    });

    test('counts a record older than 24 h as none, answered or not, whatever it was asked for', async () => {
      await reserve();
      expect(await reserve(KEY_LIFETIME_MS + 1, others, { ...request, fingerprint: 'g' })).toEqual({ ...fresh, ids: others });
      await store().answer(request, answer);
      expect(await reserve(2 * KEY_LIFETIME_MS + 2)).toEqual(fresh);
    });

    test('sweeps what is older than 24 h, and says how many', async () => {
      for (const [index, key] of ['a', 'b', 'c'].entries()) await reserve(index * 1_000, ids, { ...request, key });
      await store().answer({ ...request, key: 'a' }, answer);
      expect(await store().sweep(after(KEY_LIFETIME_MS - 1))).toBe(0);
      expect(await store().sweep(after(KEY_LIFETIME_MS + 1_001))).toBe(2);
      expect(await store().sweep(after(KEY_LIFETIME_MS + 1_001))).toBe(0);
      expect(await reserve(3_000, others, { ...request, key: 'a' })).toEqual({ ...fresh, ids: others });
      expect(await reserve(3_000, others, { ...request, key: 'c' })).toEqual({ outcome: 'running' });
    });

    describe('has what is about an aggregate answered otherwise', () => {
      const gone = { status: 410, headers: { 'X-Gone': 'é' }, body: '{"error":"gone"}' };
      const asked = (key: string, organizationId = 'acme') => ({ ...request, organizationId, key });
      const answered = async (key: string, about = ids, organizationId?: string) => {
        await reserve(0, about, asked(key, organizationId));
        await store().answer(asked(key, organizationId), answer);
      };
      const replace = (by = gone) => store().replaceAnswers('acme', ids.aggregateId, by);
      const replay = (key: string, organizationId?: string) => reserve(ABANDONED_AFTER_MS + 1, others, asked(key, organizationId));

      test('whatever was answered, by however many requests, also after reopening', async () => {
        for (const key of ['k1', 'k2', "k' OR '1'='1"]) await answered(key);
        await replace();
        for (const key of ['k1', 'k2', "k' OR '1'='1"]) expect(await replay(key)).toEqual({ outcome: 'answered', answer: gone });
        await reopen();
        expect(await replay('k1')).toEqual({ outcome: 'answered', answer: gone });
        expect(await reserve(1, others, { ...asked('k1'), fingerprint: 'g' })).toEqual({ outcome: 'mismatch' });
        expect(await store().sweep(after(KEY_LIFETIME_MS + 1))).toBe(3);
      });

      test('and what will be: of a request that still runs, was abandoned, or is answered meanwhile', async () => {
        for (const key of ['running', 'abandoned', 'released']) await reserve(0, ids, asked(key));
        await store().abandon(asked('abandoned'), after(0));
        await replace();
        await store().answer(asked('running'), answer);
        await store().release(asked('released'), after(0));
        for (const key of ['running', 'abandoned', 'released']) expect(await replay(key)).toEqual({ outcome: 'answered', answer: gone });
        const racing = Array.from({ length: 10 }, (_, n) => asked(`racing ${n}`));
        for (const each of racing) await reserve(0, ids, each);
        await Promise.all([...racing.slice(0, 5).map((each) => store().answer(each, answer)), replace(), ...racing.slice(5).map((each) => store().answer(each, answer))]);
        for (const { key } of racing) expect(await replay(key)).toEqual({ outcome: 'answered', answer: gone });
      });

      test('the last time counts, and where nothing is about it nothing happens', async () => {
        await replace();
        await answered('k1');
        expect(await replay('k1')).toEqual({ outcome: 'answered', answer });
        await replace();
        await replace({ ...gone, status: 404 });
        expect(await replay('k1')).toEqual({ outcome: 'answered', answer: { ...gone, status: 404 } });
      });

      test('but nothing that is about another, or is another organization’s', async () => {
        await answered('k1');
        await answered('k2', others);
        await reserve(0, others, asked('k3'));
        const organizations = ['acme-b', 'acm', 'acme0', 'ACME', 'acme/k1'];
        for (const organizationId of organizations) await answered('k1', ids, organizationId);
        await replace();
        expect(await replay('k2')).toEqual({ outcome: 'answered', answer });
        expect(await replay('k3')).toEqual({ outcome: 'reserved', ids: others, takenOver: true });
        for (const organizationId of organizations) expect(await replay('k1', organizationId)).toEqual({ outcome: 'answered', answer });
      });
    });

    test('keeps keys and organizations apart', async () => {
      for (const organizationId of ['a', 'a-b', 'a%2Db', 'A']) {
        for (const key of ['k', 'K', 'k ', "k' OR '1'='1"]) expect(await reserve(0, ids, { ...request, organizationId, key })).toEqual(fresh);
      }
    });
  });
}

/** Runs the suite on the checkpoints that `open` makes. */
export function checkpointsContract(name: string, open: Open<Checkpoints>, newFolder: () => string, position: (n: number) => string): void {
  describe(`checkpoints, ${name}`, () => {
    const { store, reopen } = useStore(open, newFolder);

    test('start at nothing, keep the last position of each subscriber, also after reopening', async () => {
      expect(await store().load('one')).toBeNull();
      await store().save('one', position(5));
      await store().save('other', position(7));
      await store().save('one', position(123_456));
      await reopen();
      expect([await store().load('one'), await store().load('other'), await store().load('One')]).toEqual([position(123_456), position(7), null]);
    });
  });
}

/** Runs the suite on the counter stores that `open` makes. */
export function countersContract(name: string, open: Open<CounterStore>, newFolder: () => string): void {
  describe(`counter store, ${name}`, () => {
    const { store, reopen } = useStore(open, newFolder);
    const counters = [
      { key: 'hour/acme', points: 3, expiresAt: 2_000 },
      { key: 'minute/acme', points: 0, expiresAt: 1_000 },
    ];

    test('gives back what was saved and has not ended, also after reopening', async () => {
      expect(await store().load(new Date(0))).toEqual([]);
      await store().save(counters);
      await reopen();
      expect(await store().load(new Date(0))).toEqual(expect.arrayContaining(counters));
      expect(await store().load(new Date(1_500))).toEqual([counters[0]]);
      expect(await store().load(new Date(2_000))).toEqual([]);
    });

    test('replaces what was saved before', async () => {
      await store().save(counters);
      await store().save([{ key: 'hour/acme', points: 9, expiresAt: 5_000 }]);
      expect(await store().load(new Date(0))).toEqual([{ key: 'hour/acme', points: 9, expiresAt: 5_000 }]);
      await store().save([]);
      expect(await store().load(new Date(0))).toEqual([]);
    });
  });
}
