// Opens both sides of a migration: the embedded store in a folder, and the event log in
// EventStoreDB, with MongoDB's key store when keys are to go there.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { listOf } from './config.js';
import { OperationError } from './operations/operation.js';
import type { Migration } from './operations/migrate.js';
import { openEmbedded } from './platform/embedded/index.js';
import { storeFile } from './platform/embedded/layout.js';
import { EventStoreDbLog } from './platform/servers/eventStoreDbLog.js';
import { MongoConnection } from './platform/servers/mongoConnection.js';
import { MongoKeyStore } from './platform/servers/mongoKeyStore.js';
import { KeyWrapping, wrappingKeysOf, type WrappingKeys } from './platform/wrapping.js';
import type { KeyStore } from './ports/keyStore.js';

export interface MigrationPlan {
  /** The folder of the embedded store. No service may run on it. */
  dataDir: string;
  eventStoreUrl: string;
  /** Where keys go; without it they stay in the folder. */
  mongoUrl: string | undefined;
  /** What wraps the keys, on both sides: asked for once the folder is known to hold a store. */
  encryptionKey: () => string;
}

export type MigrationSides = Pick<Migration, 'from' | 'to'> & { close(): Promise<void> };

/** @throws OperationError, LockedError, LayoutError, WrongWrappingKeyError, UnavailableError */
export async function openMigration({ dataDir, eventStoreUrl, mongoUrl, encryptionKey }: MigrationPlan): Promise<MigrationSides> {
  if (!existsSync(join(dataDir, storeFile.events))) throw new OperationError(`there is no embedded store in ${dataDir}`);
  const wrappingKeys = wrappingKeysOf(listOf(encryptionKey()));
  const closers: (() => void | Promise<void>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    // With MongoDB the keys may have been there all along, beside the log in this folder.
    const from = await openEmbedded({ dataDir, wrappingKeys, projections: [], changesOf: () => [], keysElsewhere: mongoUrl !== undefined });
    closers.push(() => from.close());
    const log = new EventStoreDbLog({ url: eventStoreUrl });
    closers.push(() => log.close());
    const keys = mongoUrl === undefined ? null : await openKeys(mongoUrl, wrappingKeys, closers);
    return { from, to: { log, keys }, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openKeys(url: string, wrappingKeys: WrappingKeys, closers: (() => void | Promise<void>)[]): Promise<KeyStore> {
  const connection = await MongoConnection.open(url);
  closers.push(() => connection.close());
  const keys = new MongoKeyStore(connection, new KeyWrapping(wrappingKeys));
  await keys.prepare();
  return keys;
}
