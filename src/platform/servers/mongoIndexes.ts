// The indexes of a collection, made at the start.

import { MongoServerError, type Collection, type CommandOperationOptions, type Document, type IndexDescription } from 'mongodb';
import type { MongoConnection } from './mongoConnection.js';

/** NotImplemented, CommandNotSupported: an option of an index that this server does not know. */
const UNKNOWN_OPTION_CODES = new Set([115, 238]);

/** NamespaceNotFound: there is no such collection as yet. */
const NO_COLLECTION_CODE = 26;

/**
 * How long the server may take to build an index of a collection that is large by now, in ms: longer than any other
 * command. The driver heeds that for one command, though it declares it for clients alone; `timeoutMS` does nothing.
 */
const BUILD: CommandOperationOptions & { socketTimeoutMS: number } = { socketTimeoutMS: 60 * 60_000 };

/**
 * Makes the indexes of a collection that are missing by name, and so the collection: one that is to
 * be otherwise needs another name. A server that knows no partial indexes is given whole ones: they
 * answer the same queries.
 * @throws UnavailableError
 */
export async function makeIndexes<Shape extends Document>(
  connection: MongoConnection,
  collection: Collection<Shape>,
  indexes: readonly IndexDescription[],
): Promise<void> {
  await connection.run(async () => {
    const known = await namesOf(collection);
    const missing = indexes.filter(({ name }) => name === undefined || !known.has(name));
    if (missing.length === 0) return;
    await collection.createIndexes(missing, BUILD).catch((error: unknown) => {
      if (!(error instanceof MongoServerError) || !UNKNOWN_OPTION_CODES.has(Number(error.code))) throw error;
      return collection.createIndexes(missing.map(({ partialFilterExpression: _, ...whole }) => whole), BUILD);
    });
  });
}

async function namesOf<Shape extends Document>(collection: Collection<Shape>): Promise<Set<string>> {
  const known = await collection.indexes().catch((error: unknown) => {
    if (error instanceof MongoServerError && error.code === NO_COLLECTION_CODE) return [];
    throw error;
  });
  return new Set(known.flatMap(({ name }) => name ?? []));
}
