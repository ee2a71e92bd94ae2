// Every port but the event log on one MongoDB database, which copies of the service share.

import type { KeyObject } from 'node:crypto';
import type { MongoClientOptions } from 'mongodb';
import type { Platform } from '../../ports/platform.js';
import { KeyWrapping } from '../wrapping.js';
import { MongoConnection } from './mongoConnection.js';
import { MongoIdempotencyStore } from './mongoIdempotency.js';
import { MongoKeyStore } from './mongoKeyStore.js';
import { MongoLeases } from './mongoLeases.js';
import { MongoCheckpoints, MongoCounters } from './mongoState.js';

export interface MongoOptions {
  /** A connection string; the database is the one it names, else `contacts`. */
  url: string;
  wrappingKey: KeyObject;
  /** Options of the driver, over those of the service. */
  client?: MongoClientOptions;
}

/** What of a platform lies in MongoDB. */
export type MongoPlatform = Pick<Platform, 'keys' | 'checkpoints' | 'idempotency' | 'counters' | 'leases'> & { close(): Promise<void> };

/**
 * Connects, and makes collections and indexes that are missing.
 * @throws UnavailableError when no server answers
 * @throws WrongWrappingKeyError
 */
export async function openMongo({ url, wrappingKey, client }: MongoOptions): Promise<MongoPlatform> {
  const connection = await MongoConnection.open(url, client);
  try {
    const keys = new MongoKeyStore(connection, new KeyWrapping(wrappingKey));
    const idempotency = new MongoIdempotencyStore(connection);
    const counters = new MongoCounters(connection);
    await Promise.all([keys.prepare(), idempotency.prepare(), counters.prepare()]);
    return {
      keys,
      idempotency,
      checkpoints: new MongoCheckpoints(connection),
      counters: { shared: true, store: counters },
      leases: new MongoLeases(connection),
      close: () => connection.close(),
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}
