// Keys of contacts through failures of the disk: none is handed out that is not on it.

import { expect, test } from '@jest/globals';
import { createSecretKey } from 'node:crypto';
import { join } from 'node:path';
import { Database } from '../../src/platform/embedded/database.js';
import { GroupCommit } from '../../src/platform/embedded/groupCommit.js';
import { SqliteKeyStore } from '../../src/platform/embedded/keyStore.js';
import { keyMigrations } from '../../src/platform/embedded/layout.js';
import { KeyWrapping } from '../../src/platform/wrapping.js';
import { UnavailableError } from '../../src/ports/errors.js';
import { temporaryFolder } from '../support/folder.js';

const ada = { organizationId: 'acme', id: 'ada' };

function openStore(file: string) {
  const database = new Database(file, keyMigrations);
  const writes = new GroupCommit(database);
  const keys = new SqliteKeyStore(database, writes, new KeyWrapping([createSecretKey(Buffer.alloc(32, 7))]));
  return { database, writes, keys };
}

test.each(['new', undefined] as const)('a key asked for twice in a group that failed is not remembered (expected: %s)', async (expected) => {
  const file = join(temporaryFolder(), 'keys.sqlite');
  const { writes, keys } = openStore(file);
  let broken = true;
  writes.join({
    beforeCommit: () => {
      if (broken) throw new Error('the disk is full');
    },
  });
  const asked = await Promise.allSettled([keys.obtainMany([ada], expected), keys.obtainMany([ada], expected)]);
  expect(asked.map((settled) => (settled.status === 'rejected' ? settled.reason : settled.value))).toEqual([expect.any(UnavailableError), expect.any(UnavailableError)]);
  expect(await keys.find([ada])).toEqual([{ state: 'missing' }]);
  broken = false;
  const key = (await keys.obtain(ada)).export();
  const [stored] = await openStore(file).keys.find([ada]);
  expect(stored?.state === 'usable' && stored.key.export().equals(key)).toBe(true);
});

test('a key expected to be new that is there already is handed out, and one that was destroyed is not', async () => {
  const { keys } = openStore(join(temporaryFolder(), 'keys.sqlite'));
  const key = (await keys.obtain(ada)).export();
  const [again, bob] = await keys.obtainMany([ada, { ...ada, id: 'bob' }], 'new');
  expect(again?.export().equals(key)).toBe(true);
  expect(bob?.export().equals(key)).toBe(false);
  await keys.destroy(ada);
  await expect(keys.obtainMany([ada], 'new')).rejects.toThrow('the key was destroyed');
});
