// Failures of MongoDB as the rest of the service meets them.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MongoBulkWriteError, MongoClient, MongoNetworkError, MongoServerError, type BulkWriteResult, type Document } from 'mongodb';
import { MongoConnection } from '../../src/platform/servers/mongoConnection.js';
import { makeIndexes } from '../../src/platform/servers/mongoIndexes.js';
import { insertAll } from '../../src/platform/servers/mongoHistory.js';
import { linkToMongo } from '../support/link.js';
import { describeMongo } from '../support/mongo.js';

/** Of the server, as its documentation lists them: what a failover, a shutdown, or a lost cursor gives. */
const passing = {
  HostUnreachable: 6,
  CursorNotFound: 43,
  NetworkTimeout: 89,
  ShutdownInProgress: 91,
  WriteConflict: 112,
  FailedToSatisfyReadPreference: 133,
  ReadConcernMajorityNotAvailableYet: 134,
  QueryPlanKilled: 175,
  PrimarySteppedDown: 189,
  CursorKilled: 237,
  SnapshotUnavailable: 246,
  ExceededTimeLimit: 262,
  InterruptedDueToStorageChange: 355,
  TemporarilyUnavailable: 365,
  LegacyNotPrimary: 10058,
  NotWritablePrimary: 10107,
  InterruptedAtShutdown: 11600,
  InterruptedDueToReplStateChange: 11602,
  StaleConfig: 13388,
  NotPrimaryNoSecondaryOk: 13435,
  NotPrimaryOrSecondary: 13436,
};

describeMongo('the connection to MongoDB', (mongo) => {
  let connection: MongoConnection;
  beforeAll(async () => {
    connection = await MongoConnection.open(mongo.newDatabase());
  });
  afterAll(() => connection.close());

  test.each(Object.entries(passing))('tries again after %s', async (codeName, code) => {
    let tries = 0;
    const work = async () => {
      tries += 1;
      if (tries < 3) throw new MongoServerError({ code, codeName, message: codeName });
      return 'done';
    };
    expect(await connection.run(work)).toBe('done');
    expect(tries).toBe(3);
  });

  test('passes on that a key is there already, and what is not of the server', async () => {
    const duplicate = new MongoServerError({ code: 11_000, message: 'E11000' });
    await expect(connection.run(() => Promise.reject(duplicate))).rejects.toBe(duplicate);
    const mistake = new TypeError('a mistake');
    await expect(connection.run(() => Promise.reject(mistake))).rejects.toBe(mistake);
  });

  test('makes all else an UnavailableError at once, that of a cursor in the middle, too', async () => {
    const refusals = [new MongoServerError({ code: 13, message: 'not authorized' }), new MongoServerError({ code: 50, message: 'operation exceeded time limit' })];
    for (const refusal of refusals) {
      let tries = 0;
      const work = () => Promise.reject(((tries += 1), refusal));
      await expect(connection.run(work)).rejects.toMatchObject({ name: 'UnavailableError', cause: refusal });
      expect(tries).toBe(1);
    }
    const lost = new MongoNetworkError('connection closed');
    const cursor = async function* () {
      yield 1;
      throw lost;
    };
    const taken: number[] = [];
    const take = async () => {
      for await (const item of connection.through(cursor())) taken.push(item);
    };
    await expect(take()).rejects.toMatchObject({ name: 'UnavailableError', cause: lost });
    expect(taken).toEqual([1]);
  });

  test('is to the database that its URL names, whatever its options hold, else to one of its own', async () => {
    const named = mongo.urlOf('some');
    const more = `${named.includes('?') ? '&' : '?'}appName=a/b`;
    for (const [url, database] of [[named + more, 'some'], [mongo.urlOf('') + more, 'contacts'], [named.replace('/some', '') + more, 'contacts']] as const) {
      const opened = await MongoConnection.open(url);
      expect(opened.db.databaseName).toBe(database);
      await opened.close();
    }
  });

  test('an index may take longer to build than any other command takes', async () => {
    const { link, url } = await linkToMongo(mongo.newDatabase());
    const client = new MongoClient(url, { socketTimeoutMS: 200, monitorCommands: true });
    let builds = 0;
    client.on('commandStarted', ({ commandName }) => {
      if (commandName !== 'createIndexes') return;
      builds += 1;
      link.hold(1_000);
    });
    try {
      const large = client.db().collection('large');
      await makeIndexes(connection, large, [{ name: 'by_age', key: { createdAt: 1 } }]);
      expect(builds).toBe(1);
      expect((await large.indexes()).map(({ name }) => name)).toContain('by_age');
    } finally {
      await client.close();
      await link.cut();
    }
  });

  test('inserts all of many documents, though the connection breaks before the first is sent, and again', async () => {
    const { link, url } = await linkToMongo(mongo.newDatabase());
    let breaks = 2;
    const breaking = await MongoConnection.open(url, (command: Document) => {
      if (command.insert !== 'many' || breaks === 0) return;
      breaks -= 1;
      link.drop();
    });
    try {
      const many = breaking.collection<{ _id: string }>('many');
      const documents = ['a', 'b', 'c'].map((_id) => ({ _id }));
      await breaking.run(() => insertAll(many, documents));
      expect(breaks).toBe(0);
      expect(await many.find({}).sort({ _id: 1 }).toArray()).toEqual(documents);
    } finally {
      await breaking.close();
      await link.cut();
    }
  });

  test('takes no failure of a whole bulk write for documents that are there already', async () => {
    const bulk = (error: Error | object, codes: number[] = [], concern?: { code: number }) => {
      const result = { getWriteErrors: () => codes.map((code) => ({ code })), getWriteConcernError: () => concern };
      return new MongoBulkWriteError(error as Error, result as unknown as BulkWriteResult);
    };
    const failing = (error: Error) => ({ bulkWrite: () => Promise.reject(error) }) as never;
    const insert = (error: Error) => insertAll(failing(error), [{ _id: 'a' }]);
    const steppedDown = bulk(new MongoServerError({ code: 189, codeName: 'PrimarySteppedDown', message: 'not primary' }));
    await expect(insert(steppedDown)).rejects.toBe(steppedDown);
    const mixed = bulk({ code: 11_000, message: 'E11000' }, [11_000, 112]);
    await expect(insert(mixed)).rejects.toBe(mixed);
    const unconfirmed = bulk({ code: 11_000, message: 'E11000' }, [11_000], { code: 64 });
    await expect(insert(unconfirmed)).rejects.toBe(unconfirmed);
    await insert(bulk({ code: 11_000, message: 'E11000' }, [11_000, 11_000]));
    // Tried again as the failure that it wraps is.
    let tries = 0;
    const cut = bulk(new MongoNetworkError('connection closed'));
    expect(await connection.run(() => ((tries += 1) === 1 ? Promise.reject(cut) : Promise.resolve(tries)))).toBe(2);
    tries = 0;
    expect(await connection.run(() => ((tries += 1) === 1 ? Promise.reject(steppedDown) : Promise.resolve(tries)))).toBe(2);
  });
});
