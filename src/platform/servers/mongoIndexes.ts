// The indexes of a collection, made at the start.

import { MongoServerError, type Collection, type Document, type IndexDescription } from 'mongodb';
import type { MongoConnection } from './mongoConnection.js';

/** NotImplemented, CommandNotSupported: an option of an index that this server does not know. */
const UNKNOWN_OPTION_CODES = new Set([115, 238]);

/**
 * Makes the indexes of a collection that are missing, and so the collection. A server that knows
 * no partial indexes is given whole ones: they answer the same queries.
 * @throws UnavailableError
 */
export async function makeIndexes<Shape extends Document>(
  connection: MongoConnection,
  collection: Collection<Shape>,
  indexes: readonly IndexDescription[],
): Promise<void> {
  const make = (wanted: IndexDescription[]) => collection.createIndexes(wanted);
  await connection.run(() =>
    make([...indexes]).catch((error: unknown) => {
      if (!(error instanceof MongoServerError) || !UNKNOWN_OPTION_CODES.has(Number(error.code))) throw error;
      return make(indexes.map(({ partialFilterExpression: _, ...whole }) => whole));
    }),
  );
}

/** As `makeIndexes`, a call for each: of several that are there already, FerretDB loses count. */
export async function makeIndexesOneByOne<Shape extends Document>(
  connection: MongoConnection,
  collection: Collection<Shape>,
  indexes: readonly IndexDescription[],
): Promise<void> {
  for (const index of indexes) await makeIndexes(connection, collection, [index]);
}
