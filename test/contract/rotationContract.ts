// What every key store must do when its wrapping key is changed.

import { describe, expect, test } from '@jest/globals';
import type { KeyObject } from 'node:crypto';
import type { KeyStore } from '../../src/ports/keyStore.js';
import { WrongWrappingKeyError, type WrappingKeys } from '../../src/platform/wrapping.js';
import { wrappingKey } from './embedded.js';
import type { Reopenable } from './stateContracts.js';

type Open = (place: string, wrappingKeys: WrappingKeys) => Promise<Reopenable<KeyStore>>;

const bytesOf = (key: KeyObject) => key.export().toString('hex');
const [older, newer, other] = [wrappingKey(1), wrappingKey(2), wrappingKey(3)];

/** Runs the suite on the key stores that `open` makes in the places of `newPlace`. */
export function rotationContract(name: string, open: Open, newPlace: () => string): void {
  const subjects = Array.from({ length: 25 }, (_, n) => ({ organizationId: n % 2 === 0 ? 'a-b' : 'a%2Fb', id: `id/${n}` }));

  /** Opens a place, uses it, closes it. */
  const using = async <Result>(place: string, wrappingKeys: WrappingKeys, task: (store: KeyStore) => Promise<Result>): Promise<Result> => {
    const { store, close } = await open(place, wrappingKeys);
    try {
      return await task(store);
    } finally {
      await close();
    }
  };
  const made = (place: string) => using(place, [older], async (store) => (await store.obtainMany(subjects)).map(bytesOf));
  const found = async (store: KeyStore) => (await store.find(subjects)).map((key) => (key.state === 'usable' ? bytesOf(key.key) : key.state));

  describe(`rotation of the wrapping key, ${name}`, () => {
    test('keys of both wrapping keys are found side by side; one that is in use cannot be left out', async () => {
      const place = newPlace();
      const keys = await made(place);
      const added = { organizationId: 'a', id: 'added' };
      await using(place, [newer, older], async (store) => {
        await store.obtain(added);
        expect(await found(store)).toEqual(keys);
        expect(await store.toRewrap()).toBe(subjects.length);
      });
      for (const lacking of [[newer], [older], [other, newer], [other]] as const) {
        await expect(open(place, lacking)).rejects.toBeInstanceOf(WrongWrappingKeyError);
      }
      expect(await using(place, [older, newer], found)).toEqual(keys);
    });

    test('keys are moved in batches, some now and the rest after reopening; then the older one is needed no more', async () => {
      const place = newPlace();
      const keys = await made(place);
      await using(place, [newer, older], async (store) => {
        expect(await store.rewrap(10)).toBe(10);
        expect(await store.toRewrap()).toBe(15);
        expect(await found(store)).toEqual(keys);
      });
      await expect(open(place, [newer])).rejects.toBeInstanceOf(WrongWrappingKeyError);
      await using(place, [newer, older], async (store) => {
        expect(await store.rewrap(10)).toBe(10);
        expect(await store.rewrap(10)).toBe(5);
        expect(await store.rewrap(10)).toBe(0);
        expect(await store.toRewrap()).toBe(0);
      });
      expect(await using(place, [newer], found)).toEqual(keys);
      await expect(open(place, [older])).rejects.toBeInstanceOf(WrongWrappingKeyError);
    });

    test('a destroyed key stays destroyed, and a store with one wrapping key has nothing to move', async () => {
      const place = newPlace();
      await made(place);
      await using(place, [older], async (store) => {
        await store.destroy(subjects[3] as (typeof subjects)[number]);
        expect([await store.toRewrap(), await store.rewrap(10)]).toEqual([0, 0]);
      });
      const after = await using(place, [newer, older], async (store) => {
        expect(await store.rewrap(100)).toBe(subjects.length - 1);
        expect(await store.rewrap(100)).toBe(0);
        return found(store);
      });
      expect(after[3]).toBe('destroyed');
    });
  });
}
