// Every port but the event log on one MongoDB database, which copies of the service share.

import type { Document } from 'mongodb';
import type { EventLog, Position } from '../../ports/eventLog.js';
import type { PlatformObserver } from '../../ports/observer.js';
import type { Platform } from '../../ports/platform.js';
import type { GenerationName } from '../../ports/projection.js';
import { KeyedVault } from '../vault.js';
import { KeyWrapping, type WrappingKeys } from '../wrapping.js';
import { MongoChainStore } from './mongoChainStore.js';
import { MongoConnection } from './mongoConnection.js';
import { MongoDeliveryStore } from './mongoDeliveries.js';
import { MongoDeliveryWrites } from './mongoDeliveryWrites.js';
import { MongoGenerations } from './mongoGenerations.js';
import { MongoHistoryStore } from './mongoHistoryStore.js';
import { MongoIdempotencyStore } from './mongoIdempotency.js';
import { MongoKeyStore } from './mongoKeyStore.js';
import { MongoLeases } from './mongoLeases.js';
import { MongoLiveReads } from './mongoLiveReads.js';
import { MongoProjectionChecks } from './mongoProjectionChecks.js';
import { MongoProjectionStore } from './mongoProjectionStore.js';
import { MongoReadStore } from './mongoReadStore.js';
import { MongoReplayStore } from './mongoReplays.js';
import { MongoCheckpoints, MongoCounters } from './mongoState.js';
import { MongoWebhookEndpoints } from './mongoWebhookEndpoints.js';

export interface MongoOptions {
  /** A connection string; the database is the one it names, else `contacts`. */
  url: string;
  /** The first wraps keys, all unwrap them. */
  wrappingKeys: WrappingKeys;
  projections: readonly GenerationName[];
  /** The order of the positions of the log that goes with it. */
  compare: EventLog['compare'];
  /** Positions of that log as texts that sort as they do; as they are unless given. */
  sortKey?: ((position: Position) => string) | undefined;
  observer?: PlatformObserver | undefined;
  /** Told of every command sent to the server. */
  observe?: ((command: Document) => void) | undefined;
}

/** What of a platform lies in MongoDB. */
export type MongoPlatform = Omit<Platform, 'log' | 'commit' | 'close' | 'eventIndex' | 'eventPages'> & { close(): Promise<void> };

/**
 * Connects, and makes collections and indexes that are missing.
 * @throws UnavailableError when no server answers
 * @throws WrongWrappingKeyError
 */
export async function openMongo({ url, wrappingKeys, projections, compare, sortKey = String, observer, observe }: MongoOptions): Promise<MongoPlatform> {
  const connection = await MongoConnection.open(url, observe);
  try {
    const keys = new MongoKeyStore(connection, new KeyWrapping(wrappingKeys));
    const idempotency = new MongoIdempotencyStore(connection);
    const chain = new MongoChainStore(connection);
    const counters = new MongoCounters(connection);
    const endpoints = new MongoWebhookEndpoints(connection, compare);
    const writes = new MongoDeliveryWrites(connection, endpoints);
    const replays = new MongoReplayStore(connection, writes);
    await Promise.all([keys, chain, idempotency, counters, endpoints, writes, replays].map((part) => part.prepare()));
    const generations = new MongoGenerations(connection);
    const reads = new MongoLiveReads(connection, generations);
    const projectionStore = new MongoProjectionStore(connection, generations, compare, sortKey, projections, (written) => observer?.written({ store: 'mongodb', ...written }));
    return {
      keys,
      vault: new KeyedVault(keys),
      readStore: new MongoReadStore(reads, generations),
      history: new MongoHistoryStore(reads, generations),
      projectionStore,
      makeReady: null,
      makeAppends: null,
      checks: new MongoProjectionChecks(connection, generations),
      chain,
      idempotency,
      checkpoints: new MongoCheckpoints(connection),
      counters: { shared: true, store: counters },
      leases: new MongoLeases(connection),
      // MongoDB gives its files' room back by itself; what its oplog holds goes with time.
      scrub: () => Promise.resolve(),
      webhooks: {
        endpoints,
        deliveries: new MongoDeliveryStore(connection, endpoints, writes),
        replays,
      },
      close: () => {
        projectionStore.stop();
        return connection.close();
      },
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}
