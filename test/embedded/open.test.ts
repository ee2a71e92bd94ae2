// Opening the embedded store: older layouts, newer ones, the lock, the wrapping key, and how the file is synced.

import { describe, expect, test } from '@jest/globals';
import { createSecretKey } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import Sqlite from 'libsql';
import { join } from 'node:path';
import { Database } from '../../src/platform/embedded/database.js';
import { keyMigrations, storeMigrations } from '../../src/platform/embedded/layout.js';
import { LockedError, takeLock } from '../../src/platform/embedded/lock.js';
import { MissingEventsError, MissingKeysError } from '../../src/platform/embedded/index.js';
import { LayoutError } from '../../src/platform/embedded/migrate.js';
import { WrongWrappingKeyError } from '../../src/platform/wrapping.js';
import { openPlatform, wrappingKey } from '../contract/embedded.js';
import { storedEvent } from '../contract/samples.js';
import { openTestHost } from '../support/projecting.js';
import { runCommand } from '../support/command.js';
import { temporaryFolder } from '../support/folder.js';

const newFile = () => join(temporaryFolder(), 'test.sqlite');
const layoutOf = (database: Database) => database.get<{ user_version: number }>('PRAGMA user_version')?.user_version;
const first = 'CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1)';
const second = 'CREATE TABLE b (y INTEGER); INSERT INTO b SELECT x + 1 FROM a';

describe('a file', () => {
  test('of an older layout is brought to the newest, with its data', () => {
    const file = newFile();
    new Database(file, [first]).close();
    const database = new Database(file, [first, second]);
    expect([layoutOf(database), database.all('SELECT x FROM a'), database.all('SELECT y FROM b')]).toEqual([2, [{ x: 1 }], [{ y: 2 }]]);
    database.close();
    const again = new Database(file, [first, second]);
    expect(again.all('SELECT y FROM b')).toEqual([{ y: 2 }]);
    again.close();
  });

  test('of a newer layout is refused and left as it is', () => {
    const file = newFile();
    new Database(file, [first, second]).close();
    expect(() => new Database(file, [first])).toThrow(LayoutError);
    const untouched = new Database(file, [first, second]);
    expect([layoutOf(untouched), untouched.all('SELECT y FROM b')]).toEqual([2, [{ y: 2 }]]);
    untouched.close();
  });

  test('whose migration breaks off keeps the layout it had, and is migrated the next time', () => {
    const file = newFile();
    new Database(file, [first]).close();
    expect(() => new Database(file, [first, `${second}; INSERT INTO missing VALUES (1)`])).toThrow(/missing/);
    const kept = new Database(file, [first]);
    expect([layoutOf(kept), kept.all(`SELECT name FROM sqlite_schema WHERE name = 'b'`)]).toEqual([1, []]);
    kept.close();
    const migrated = new Database(file, [first, second]);
    expect([layoutOf(migrated), migrated.all('SELECT y FROM b')]).toEqual([2, [{ y: 2 }]]);
    migrated.close();
  });

  test('that is none is refused by its name', () => {
    const file = newFile();
    writeFileSync(file, 'no database'.repeat(100));
    expect(() => new Database(file, [first])).toThrow(`${file}: file is not a database`);
    expect(readFileSync(file, 'utf8')).toBe('no database'.repeat(100));
  });

  test('is written ahead and synced in full', () => {
    const database = new Database(newFile(), [first]);
    expect(database.get('PRAGMA journal_mode')).toMatchObject({ journal_mode: 'wal' });
    expect(database.get('PRAGMA synchronous')).toMatchObject({ synchronous: 2 });
    database.close();
    // Opened anew after it was closed, as after a failure.
    expect(database.get('PRAGMA synchronous')).toMatchObject({ synchronous: 2 });
    database.close();
  });
});

test.each(storeMigrations.map((_, layout) => layout).filter((layout) => layout > 0))(
  'a store of layout %i, the first with events, opens with the events it holds',
  async (layout) => {
    const dataDir = temporaryFolder();
    const old = new Database(join(dataDir, 'contacts.sqlite'), storeMigrations.slice(0, layout));
    const { id, type, data, metadata } = storedEvent({ contactId: 'ada' });
    old.run(
      'INSERT INTO events (position, stream, revision, id, type, data, metadata) VALUES (1, ?, 0, ?, ?, ?, ?)',
      'contact-acme-ada', id, type, JSON.stringify(data), JSON.stringify(metadata),
    );
    old.close();
    new Database(join(dataDir, 'keys.sqlite'), keyMigrations).close();
    const platform = await openPlatform(dataDir);
    expect((await platform.log.readAll(null, 10)).events).toMatchObject([{ id, type, data, metadata, position: '1' }]);
    expect((await platform.log.append('contact-acme-ada', 0, [storedEvent()])).outcome).toBe('appended');
    await platform.close();
  },
);

test('a store of a newer layout is refused, and lets go of its lock', async () => {
  const dataDir = temporaryFolder();
  await (await openPlatform(dataDir)).close();
  const file = new Sqlite(join(dataDir, 'contacts.sqlite'));
  file.exec(`PRAGMA user_version = ${storeMigrations.length + 1}`);
  file.close();
  for (let round = 0; round < 2; round += 1) await expect(openPlatform(dataDir)).rejects.toBeInstanceOf(LayoutError);
  (await takeLock(join(dataDir, 'contacts.lock'), 0)).release();
});

test('a lock is held by one, and can be taken once it is released', async () => {
  const file = join(temporaryFolder(), 'test.lock');
  const lock = await takeLock(file);
  await expect(takeLock(file, 0)).rejects.toBeInstanceOf(LockedError);
  const waiting = takeLock(file, 20_000);
  lock.release();
  (await waiting).release();
});

test('a wrong ENCRYPTION_KEY is refused before anything is read, and the right one still opens', async () => {
  const dataDir = temporaryFolder();
  const platform = await openPlatform(dataDir);
  const ada = { organizationId: 'acme', id: 'ada' };
  const key = (await platform.keys.obtain(ada)).export().toString('hex');
  await platform.close();
  await expect(openPlatform(dataDir, createSecretKey(Buffer.alloc(32, 8)))).rejects.toBeInstanceOf(WrongWrappingKeyError);
  const again = await openPlatform(dataDir, wrappingKey());
  expect((await again.keys.obtain(ada)).export().toString('hex')).toBe(key);
  await again.close();
});

test('events without the file of their keys are refused, and none is made', async () => {
  const dataDir = temporaryFolder();
  const keys = join(dataDir, 'keys.sqlite');
  const platform = await openPlatform(dataDir);
  await platform.close();
  rmSync(keys);
  const empty = await openPlatform(dataDir);
  await empty.log.append('contact-acme-ada', 'none', [storedEvent()]);
  await empty.close();
  rmSync(keys);
  await expect(openPlatform(dataDir)).rejects.toThrow(MissingKeysError);
  expect(existsSync(keys)).toBe(false);
});

test('a file of keys that was emptied is refused as one that is missing, and the right one still opens', async () => {
  const dataDir = temporaryFolder();
  const keys = join(dataDir, 'keys.sqlite');
  // By another process, which leaves nothing beside its files when it has ended.
  expect(await runCommand(dataDir, ['seed', '--org', 'acme', '--contacts', '1'])).toMatchObject({ code: 0 });
  renameSync(keys, `${keys}.right`);
  writeFileSync(keys, '');
  await expect(openTestHost(dataDir)).rejects.toThrow(MissingKeysError);
  renameSync(`${keys}.right`, keys);
  await (await openTestHost(dataDir)).platform.close();
});

test.each([['missing', rmSync], ['empty', (file: string) => (rmSync(file), writeFileSync(file, ''))]])('keys beside a file of events that is %s are refused, and none is begun', async (_, take) => {
  const dataDir = temporaryFolder();
  const events = join(dataDir, 'contacts.sqlite');
  await (await openPlatform(dataDir)).close();
  take(events);
  await expect(openPlatform(dataDir)).rejects.toThrow(MissingEventsError);
  expect(existsSync(events) ? statSync(events).size : 0).toBe(0);
  rmSync(join(dataDir, 'keys.sqlite'));
  await (await openPlatform(dataDir)).close();
});

test.each(['contacts.lock', 'contacts.sqlite', 'keys.sqlite'])('a folder in the place of %s is told by its name', async (name) => {
  const dataDir = temporaryFolder();
  await (await openPlatform(dataDir)).close();
  rmSync(join(dataDir, name));
  mkdirSync(join(dataDir, name));
  await expect(openPlatform(dataDir)).rejects.toThrow(`${join(dataDir, name)}: cannot be opened: it is no file, or there is no permission`);
});
