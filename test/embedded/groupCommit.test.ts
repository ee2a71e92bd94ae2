// Group commit: what shares a transaction, what is undone alone, and what a failure does to all.

import { beforeEach, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { Database, isSqliteError } from '../../src/platform/embedded/database.js';
import { GroupCommit, type Participant } from '../../src/platform/embedded/groupCommit.js';
import { UnavailableError } from '../../src/ports/errors.js';
import { temporaryFolder } from '../support/folder.js';

const layout = ['CREATE TABLE words (word TEXT PRIMARY KEY)'];
let file: string;
let database: Database;
let writes: GroupCommit;
let groups: number[];
beforeEach(() => {
  file = join(temporaryFolder(), 'test.sqlite');
  database = new Database(file, layout);
  groups = [];
  writes = new GroupCommit(database, (group) => groups.push(group.writes));
});

const insert = (word: string) => database.run('INSERT INTO words (word) VALUES (?)', word);
const words = (from = database) => from.all<{ word: string }>('SELECT word FROM words ORDER BY rowid').map(({ word }) => word);
/** A connection of its own, which sees only what was committed. */
const elsewhere = () => new Database(file, layout);
const outcomes = async (jobs: Promise<unknown>[]) => (await Promise.allSettled(jobs)).map((settled) => (settled.status === 'fulfilled' ? settled.value : settled.reason));

describe('what is done ahead', () => {
  test('is seen at once, and on disk when that is asked for', async () => {
    expect(await writes.runAhead(() => (insert('a'), 'A'))).toBe('A');
    await writes.runAhead(() => insert('b'));
    expect(words()).toEqual(['a', 'b']);
    expect(words(elsewhere())).toEqual([]);
    await writes.settle();
    expect(words(elsewhere())).toEqual(['a', 'b']);
    await writes.settle();
  });

  test('is on disk before any other write, and after enough of it', async () => {
    await writes.runAhead(() => insert('a'));
    await writes.run(() => insert('b'));
    expect(words(elsewhere())).toEqual(['a', 'b']);
    for (let count = 0; count < 100; count += 1) await writes.runAhead(() => insert(String(count)));
    expect(words(elsewhere()).length).toBeGreaterThan(50);
  });

  test('is undone, all that is not on disk as yet, by what fails', async () => {
    const failed: string[] = [];
    writes.join({ failed: () => void failed.push('told') });
    await writes.run(() => insert('before'));
    await writes.runAhead(() => insert('a'));
    await expect(writes.runAhead(() => insert('a'))).rejects.toBeInstanceOf(UnavailableError);
    expect(failed).toEqual(['told']);
    expect(words()).toEqual(['before']);
    await writes.runAhead(() => insert('b'));
    await writes.settle();
    expect(words(elsewhere())).toEqual(['before', 'b']);
  });
});

describe('a group', () => {
  test('holds all writes asked for at about the same time, in their order, in one transaction', async () => {
    const results = await Promise.all(['a', 'b', 'c'].map((word) => writes.run(() => (insert(word), word.toUpperCase()))));
    expect(results).toEqual(['A', 'B', 'C']);
    expect(words()).toEqual(['a', 'b', 'c']);
    expect(groups).toEqual([3]);
    await writes.run(() => insert('d'));
    expect(groups).toEqual([3, 1]);
  });

  test('takes in what nobody waits for in passing, and that alone soon by itself', async () => {
    const passing = writes.runInPassing(() => insert('passing'));
    await writes.run(() => insert('a'));
    await passing;
    expect(groups).toEqual([2]);
    await writes.runInPassing(() => insert('later'));
    expect(groups).toEqual([2, 1]);
    expect(words(elsewhere())).toEqual(['passing', 'a', 'later']);
  });

  test('waits while more come with each turn of the event loop', async () => {
    const writing: Promise<unknown>[] = [];
    for (let count = 0; count < 5; count += 1) {
      writing.push(writes.run(() => insert(String(count))));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(writing);
    expect(words()).toEqual(['0', '1', '2', '3', '4']);
    expect(groups.length).toBeLessThan(5);
  });

  test('acknowledges none of its writes before all are committed', async () => {
    let acknowledged = false;
    const first = writes.run(() => insert('a')).then(() => (acknowledged = true));
    const second = writes.run(() => {
      expect(acknowledged).toBe(false);
      return insert('b');
    });
    await first;
    expect(words(elsewhere())).toEqual(['a', 'b']);
    await second;
  });

  test('shows a write what earlier ones of the group wrote, and later ones are not there yet', async () => {
    const seen = await Promise.all(['a', 'b', 'c'].map((word) => writes.run(() => (insert(word), words()))));
    expect(seen).toEqual([['a'], ['a', 'b'], ['a', 'b', 'c']]);
  });

  test('passes on what a write throws that undoes itself, and goes on', async () => {
    const refusal = new Error('refused');
    const settled = await outcomes([
      writes.runUnguarded(() => insert('a')),
      writes.runUnguarded(() => {
        throw refusal;
      }),
      writes.run(() => insert('b')),
    ]);
    expect(settled).toEqual([1, refusal, 1]);
    expect(words(elsewhere())).toEqual(['a', 'b']);
  });

  test('undoes a write that throws, and nothing but that', async () => {
    const refusal = new Error('refused');
    const settled = await outcomes([
      writes.run(() => insert('a')),
      writes.run(() => {
        insert('b');
        throw refusal;
      }),
      writes.run(() => (insert('c'), words())),
    ]);
    expect(settled).toEqual([1, refusal, ['a', 'c']]);
    expect(words(elsewhere())).toEqual(['a', 'c']);
  });
});

describe('a group that cannot be written', () => {
  /** A second insert of the same word is an error of SQLite's own, as a full disk is. */
  const failing = () => writes.run(() => (insert('x'), insert('x')));

  test('fails all of its writes with UnavailableError, and nothing of it stays', async () => {
    await writes.run(() => insert('before'));
    const settled = await outcomes([writes.run(() => insert('a')), failing(), writes.run(() => insert('b'))]);
    for (const error of settled) {
      expect(error).toBeInstanceOf(UnavailableError);
      expect(isSqliteError((error as Error).cause)).toBe(true);
    }
    expect(words()).toEqual(['before']);
    expect(words(elsewhere())).toEqual(['before']);
  });

  test('lets go of the file at once: the next group is written', async () => {
    for (let round = 0; round < 5; round += 1) {
      await expect(failing()).rejects.toBeInstanceOf(UnavailableError);
      expect(await writes.run(() => insert(`after ${round}`))).toBe(1);
    }
    expect(words(elsewhere())).toEqual([0, 1, 2, 3, 4].map((round) => `after ${round}`));
  });

  test('is forgotten by all who took part in it, and only then may they hear of the next', async () => {
    const heard: string[] = [];
    const participant: Participant = {
      beforeCommit: () => void heard.push(`before ${words().length}`),
      committed: () => void heard.push('committed'),
      failed: () => void heard.push('failed'),
    };
    writes.join(participant);
    await writes.run(() => insert('a'));
    await failing().catch(() => undefined);
    await writes.run(() => insert('b'));
    expect(heard).toEqual(['before 1', 'committed', 'failed', 'before 2', 'committed']);
  });

  test('is so, too, when a participant cannot do its part', async () => {
    let broken = true;
    writes.join({
      beforeCommit: () => {
        if (broken) throw new Error('cannot project');
      },
    });
    const settled = await outcomes([writes.run(() => insert('a')), writes.run(() => insert('b'))]);
    expect(settled.map((error) => error instanceof UnavailableError)).toEqual([true, true]);
    expect(words()).toEqual([]);
    broken = false;
    expect(await writes.run(() => insert('a'))).toBe(1);
  });
});
