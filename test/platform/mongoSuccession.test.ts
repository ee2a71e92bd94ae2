// Before a new primary of MongoDB is read from, it confirms by a write what was acknowledged before.

import { expect, test } from '@jest/globals';
import { ObjectId, type ServerDescription } from 'mongodb';
import { MongoConnection } from '../../src/platform/servers/mongoConnection.js';
import { MongoSuccession } from '../../src/platform/servers/mongoSuccession.js';
import { describeMongo } from '../support/mongo.js';

/** What the driver hears of servers: their kinds, and the number of the election. */
function heard(servers: Record<string, string>, election = 1) {
  const electionId = new ObjectId(election.toString(16).padStart(24, '0'));
  const described = Object.entries(servers).map(([address, type]) => [address, { address, type, electionId: type === 'RSPrimary' ? electionId : null } as ServerDescription] as const);
  return { servers: new Map(described) };
}

function counting(outcomes: (() => Promise<void>)[] = []) {
  const confirms = { count: 0 };
  const succession = new MongoSuccession(() => {
    confirms.count += 1;
    return outcomes.shift()?.() ?? Promise.resolve();
  });
  return { succession, confirms };
}

test.each<Record<string, string>>([{}, { a: 'Standalone' }, { a: 'Mongos', b: 'Mongos' }, { a: 'RSSecondary', b: 'Unknown' }])('nothing is waited for where no primary is known: %j', (servers) => {
  const { succession } = counting();
  succession.heard(heard(servers));
  expect(succession.pending()).toBeNull();
});

test('each primary confirms once, for all who wait, and again after each election', async () => {
  const { succession, confirms } = counting();
  for (const [servers, election] of [[{ a: 'RSPrimary', b: 'RSSecondary' }, 1], [{ a: 'RSSecondary', b: 'RSPrimary' }, 2], [{ b: 'RSPrimary' }, 3]] as const) {
    succession.heard(heard(servers, election));
    expect(succession.pending()).not.toBeNull();
    await Promise.all([succession.pending(), succession.pending()]);
    expect(succession.pending()).toBeNull();
    succession.heard(heard(servers, election));
    succession.heard(heard({ a: 'Unknown' }));
    expect(succession.pending()).toBeNull();
    expect(confirms.count).toBe(election);
  }
});

test('what fails is tried again by who comes next', async () => {
  const { succession, confirms } = counting([() => Promise.reject(new Error('no majority'))]);
  succession.heard(heard({ a: 'RSPrimary' }));
  await expect(succession.pending()).rejects.toThrow('no majority');
  await succession.pending();
  expect([succession.pending(), confirms.count]).toEqual([null, 2]);
});

test('one that is succeeded while it confirms vouches for itself alone: who waits, waits for the next, too', async () => {
  let confirm: () => void = () => undefined;
  const { succession, confirms } = counting([() => new Promise((resolve) => (confirm = resolve))]);
  succession.heard(heard({ a: 'RSPrimary' }));
  const first = succession.pending();
  succession.heard(heard({ b: 'RSPrimary' }, 2));
  confirm();
  await first;
  expect(succession.pending()).toBeNull();
  await succession.pending();
  expect([succession.pending(), confirms.count]).toEqual([null, 2]);
});

describeMongo('a connection to MongoDB', (mongo) => {
  const commands: string[] = [];
  const open = async () => {
    const connection = await MongoConnection.open(mongo.newDatabase(), (command) => void commands.push(Object.keys(command)[0] ?? ''));
    const { succession } = connection as unknown as { succession: MongoSuccession };
    let election = 0;
    return { connection, elect: () => succession.heard(heard({ other: 'RSPrimary' }, (election += 1))) };
  };

  test('has a primary confirm, if there is one, before it reads', async () => {
    const { connection } = await open();
    const { setName } = await connection.db.command({ hello: 1 });
    commands.length = 0;
    for (let n = 0; n < 2; n += 1) await connection.run(() => connection.collection('any').findOne({}));
    expect(commands).toEqual(setName === undefined ? ['find', 'find'] : ['update', 'find', 'find']);
    await connection.close();
  });

  test('reads again what one elected meanwhile may have answered before it had confirmed', async () => {
    const { connection, elect } = await open();
    await connection.run(() => connection.collection('any').findOne({}));
    commands.length = 0;
    const read = async () => {
      if (commands.length === 0) elect();
      return connection.collection('any').findOne({});
    };
    expect(await connection.run(read)).toBeNull();
    expect(commands).toEqual(['find', 'update', 'find']);
    await connection.close();
  });

  test('gives nothing of a cursor that one elected meanwhile may have opened before it had confirmed, and all of one opened before', async () => {
    const { connection, elect } = await open();
    const elected = async function* (after: number) {
      for (let n = 0; n < 3; n += 1) {
        if (n === after) elect();
        yield n;
      }
    };
    const taken: number[] = [];
    const take = async (after: number) => {
      for await (const n of connection.through(elected(after))) taken.push(n);
    };
    await expect(take(0)).rejects.toMatchObject({ name: 'UnavailableError' });
    expect(taken).toEqual([]);
    await take(1);
    expect(taken).toEqual([0, 1, 2]);
    await connection.close();
  });
});
