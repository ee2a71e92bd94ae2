// The connection to MongoDB: how durable a write is and how fresh a read, how long either may
// take, which failures are tried again, and how the others are reported.

import { setTimeout as sleep } from 'node:timers/promises';
import { MongoBulkWriteError, MongoClient, MongoError, MongoNetworkError, MongoServerError, type Collection, type Db, type Document, type MongoClientOptions } from 'mongodb';
import { UnavailableError } from '../../ports/errors.js';
import { MongoSuccession } from './mongoSuccession.js';

/** A read may take this long on the server, in ms. */
export const READ_MAX_MS = 10_000;
/** The option that says so. */
export const atMost = { maxTimeMS: READ_MAX_MS };
/** A cursor over all of an organization may, in all its batches together: the server counts them as one. */
export const STREAM_MAX_MS = 60_000;
/** How long an operation is tried again, in ms; each try has its own limits. */
const RETRY_FOR_MS = 3_000;
const PAUSE_MS = { first: 20, most: 400 };
const DEFAULT_DATABASE = 'contacts';

/** Acknowledged once a majority has it in its journal; read on the primary what a majority has. */
const options = {
  appName: 'contacts',
  readPreference: 'primary',
  readConcernLevel: 'majority',
  writeConcern: { w: 'majority', journal: true, wtimeoutMS: 5_000 },
  retryReads: true,
  retryWrites: true,
  maxPoolSize: 50,
  waitQueueTimeoutMS: 3_000,
  serverSelectionTimeoutMS: 3_000,
  connectTimeoutMS: 3_000,
  socketTimeoutMS: 30_000,
  heartbeatFrequencyMS: 2_000,
} satisfies MongoClientOptions;

/** Codes of the server for: not the primary (any more), shutting down, interrupted, cannot say yet, or has no memory for it now; a cursor or a plan that was lost with that; a conflict of two writes. */
const TRANSIENT_CODES = new Set([6, 7, 43, 89, 91, 112, 133, 134, 175, 189, 237, 246, 262, 355, 365, 9001, 10058, 10107, 11600, 11602, 13388, 13435, 13436]);
const DUPLICATE_KEY = 11_000;

export class MongoConnection {
  private readonly succession = new MongoSuccession(() => this.confirmPrimary());

  private constructor(
    private readonly client: MongoClient,
    readonly db: Db,
  ) {}

  /**
   * Connects to `url`; the database is the one it names, else `contacts`. `observe` is told of
   * every command sent.
   * @throws UnavailableError when no server answers
   */
  static async open(url: string, observe?: (command: Document) => void): Promise<MongoConnection> {
    const client = new MongoClient(url, { ...options, monitorCommands: observe !== undefined });
    if (observe !== undefined) client.on('commandStarted', ({ command }) => observe(command));
    const connection = new MongoConnection(client, client.db(databaseOf(url)));
    client.on('topologyDescriptionChanged', ({ newDescription }) => connection.succession.heard(newDescription));
    try {
      await connection.tried(() => client.connect());
      return connection;
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  collection<Shape extends Document>(name: string): Collection<Shape> {
    return this.db.collection<Shape>(name);
  }

  /**
   * Carries out `work`, which must bear repetition: it is tried again after a failure that may pass.
   * @throws UnavailableError for every failure of the driver or the server but a duplicate key
   */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.tried(async () => {
      for (;;) {
        const first = this.succession.pending();
        if (first !== null) await first;
        const result = await work();
        // What waited for a primary, or was tried again by the driver, went to one elected meanwhile.
        if (this.succession.isConfirmed) return result;
      }
    });
  }

  private async tried<Result>(work: () => Promise<Result>): Promise<Result> {
    const deadline = Date.now() + RETRY_FOR_MS;
    for (let pause = PAUSE_MS.first; ; pause = Math.min(pause * 2, PAUSE_MS.most)) {
      try {
        return await work();
      } catch (thrown) {
        const error = reasonOf(thrown);
        if (!isFailure(error) || isDuplicateKey(error)) throw error;
        if (!mayPass(error) || Date.now() + pause > deadline) throw unavailable(error);
        await sleep(pause * (0.5 + Math.random() / 2));
      }
    }
  }

  /**
   * What `items` gives, which come from a cursor: it cannot be begun again, as some may have been taken.
   * @throws UnavailableError for every failure of the driver or the server
   */
  async *through<Item>(items: AsyncIterable<Item>): AsyncIterable<Item> {
    try {
      await this.succession.pending();
      let isBegun = false;
      for await (const item of items) {
        if (!isBegun && !this.succession.isConfirmed) throw unavailable('another primary was elected');
        isBegun = true;
        yield item;
      }
    } catch (error) {
      throw isFailure(error) ? unavailable(error) : error;
    }
  }

  /** Whether the server answers and can be written to. @throws UnavailableError */
  async ping(): Promise<void> {
    await this.run(() => this.db.command({ ping: 1 }));
  }

  async close(): Promise<void> {
    await this.client.close();
  }

  private async confirmPrimary(): Promise<void> {
    const confirm = (upsert: boolean) => this.collection<{ _id: string; confirmations: number }>('primary').updateOne({ _id: 'newest' }, { $inc: { confirmations: 1 } }, { upsert });
    await confirm(true).catch((error: unknown) => {
      if (!isDuplicateKey(error)) throw error;
      return confirm(false);
    });
  }
}

const unavailable = (cause: unknown) => new UnavailableError('MongoDB could not do it', { cause });

/** What the key of a document must be to be one of `keys`; a single one is asked for as such, which any server finds by its key. */
export function oneOf(keys: readonly string[]): string | { $in: string[] } {
  const [first, ...others] = keys;
  return first !== undefined && others.length === 0 ? first : { $in: [...keys] };
}

/** Whether the error says that a document with that key is there already; of a bulk write, that this is all that it could not do. */
export function isDuplicateKey(error: unknown): boolean {
  if (!(error instanceof MongoServerError) || error.code !== DUPLICATE_KEY) return false;
  if (!(error instanceof MongoBulkWriteError)) return true;
  const { result } = error;
  // Without a majority, what it did write may be gone again.
  return result.getWriteConcernError() === undefined && result.getWriteErrors().every(({ code }) => code === DUPLICATE_KEY);
}

/** What went wrong. The driver wraps up what breaks a bulk write as a whole, such as the loss of the connection, as if the server had refused it. */
function reasonOf(error: unknown): unknown {
  const wrapped: unknown = error instanceof MongoBulkWriteError ? error.errorResponse : undefined;
  return wrapped instanceof MongoError ? wrapped : error;
}

/** A failure of the driver or the server, or one of the socket, which the driver passes on as it is when a write meets a closed end. */
function isFailure(error: unknown): error is MongoError | NodeJS.ErrnoException {
  return error instanceof MongoError || isOfSocket(error);
}

function isOfSocket(error: unknown): error is NodeJS.ErrnoException {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' && !(error instanceof MongoError);
}

function mayPass(error: MongoError | NodeJS.ErrnoException): boolean {
  if (!(error instanceof MongoError)) return true;
  return error instanceof MongoNetworkError || error.hasErrorLabel('RetryableWriteError') || TRANSIENT_CODES.has(Number(error.code));
}

/** The database that a connection string names. A URL's own parser refuses several hosts. */
function databaseOf(url: string): string {
  const name = /^mongodb(?:\+srv)?:\/\/[^/?]+\/([^?]+)/.exec(url)?.[1];
  return name === undefined ? DEFAULT_DATABASE : decodeURIComponent(name);
}
