// One SQLite file: opened durable, its statements prepared once, opened again after a failure.

import Sqlite from 'libsql';
import { UnavailableError } from '../../ports/errors.js';
import { migrate, type Migration } from './migrate.js';

export type SqlValue = string | number | null | Buffer;

/** How long opening waits for a process that is just letting go of the file, in ms. */
const BUSY_WAIT_MS = 5_000;
/** How long emptying the log waits for those who read, in ms: everything else in the process waits, too. */
const EMPTYING_WAIT_MS = 20;

/**
 * How many prepared statements are kept, several times those that there are but for searches: of these
 * each mix of kinds of words is a statement of its own, with as many tables and conditions as it has words.
 */
const STATEMENTS_KEPT = 1_000;

type Statement = Sqlite.Statement<[SqlValue[]]>;

/** A row as SQLite gives it; the query that asked knows its columns. */
export type Row = Record<string, SqlValue>;

/**
 * Whether requests are served beside, or one piece of work on much data has the process for itself,
 * goes through it in a thread, or fills the store with so much that memory is well spent on it.
 */
export type MemoryUse = keyof typeof memoryUses;

/**
 * How many kB of pages are kept in memory, and after how many pages what is written ahead goes to
 * the file itself. Work on much data touches the same pages of indexes over and over.
 */
const memoryUses = {
  serving: { cacheKb: 16_000, logPages: 4_000 },
  alone: { cacheKb: 32_000, logPages: 16_000 },
  // What is gone through once, from one end to the other, needs none.
  passing: { cacheKb: 2_000, logPages: 4_000 },
  // Of a million contacts, the indexes that grow at random places take about 400 MB.
  filling: { cacheKb: 448_000, logPages: 64_000 },
} as const;

export class Database {
  private handle: Sqlite.Database | null = null;
  private statements = new Map<string, Statement>();

  /**
   * Opens the file, makes it when it is missing, and brings it to the newest layout; without
   * migrations the file is there, and is only read. `memory`: what it may take.
   * @throws LayoutError when a newer version of the service wrote it
   */
  constructor(
    private readonly file: string,
    private readonly migrations: readonly Migration[] | null,
    private readonly memory: MemoryUse = 'serving',
  ) {
    try {
      if (migrations !== null) migrate(this, migrations);
    } catch (error) {
      this.close();
      if (isSqliteError(error)) error.message = `${file}: ${error.message}`;
      throw error;
    }
  }

  /** The first row of a query; undefined when there is none. */
  get<Result = Row>(sql: string, ...values: SqlValue[]): Result | undefined {
    return this.prepared(sql).get(values) as Result | undefined;
  }

  /** All rows of a query. */
  all<Result = Row>(sql: string, ...values: SqlValue[]): Result[] {
    return this.prepared(sql).all(values) as Result[];
  }

  /** All rows of a query, each as its values in the order of the columns: for many, which objects would make take half as long again. */
  values<Result extends SqlValue[]>(sql: string, ...values: SqlValue[]): Result[] {
    return this.prepared(sql, true).all(values) as Result[];
  }

  /** Carries out a statement that gives no rows; returns how many rows it changed. */
  run(sql: string, ...values: SqlValue[]): number {
    return this.prepared(sql).run(values).changes;
  }

  /** Carries out several statements that take no values. */
  script(sql: string): void {
    this.opened().exec(sql);
  }

  /**
   * Has all that was written ahead go to the file itself, and empties the log of it.
   * @returns whether it did: who reads, as a backup does for minutes, needs the log as it is
   */
  emptyLog(): boolean {
    this.script(`PRAGMA busy_timeout = ${EMPTYING_WAIT_MS}`);
    try {
      return this.get<{ busy: number }>('PRAGMA wal_checkpoint(TRUNCATE)')?.busy === 0;
    } finally {
      this.script(`PRAGMA busy_timeout = ${BUSY_WAIT_MS}`);
    }
  }

  /** Closes the file, so that nothing of a failed transaction is left in memory; the next use opens it again. */
  close(): void {
    const { handle } = this;
    this.statements.clear();
    this.handle = null;
    if (handle === null) return;
    try {
      // The driver keeps a closed file open until its statements are collected: an open transaction would go on locking it.
      if (handle.inTransaction) handle.exec('ROLLBACK');
    } finally {
      handle.close();
    }
  }

  private opened(): Sqlite.Database {
    this.handle ??= openDurable(this.file, this.migrations === null, this.memory);
    return this.handle;
  }

  /** Values are passed as one array: a single object of its own would be read as named values. */
  private prepared(sql: string, raw = false): Statement {
    const name = raw ? `raw ${sql}` : sql;
    const known = this.statements.get(name);
    if (known !== undefined) return known;
    const statement: Statement = this.opened().prepare<[SqlValue[]]>(sql);
    if (raw) statement.raw();
    if (this.statements.size >= STATEMENTS_KEPT) this.statements.clear();
    this.statements.set(name, statement);
    return statement;
  }
}

/** Reads by `query`; a failure of SQLite becomes an UnavailableError. */
export async function reading<Result>(query: () => Result): Promise<Result> {
  try {
    return query();
  } catch (error) {
    if (isSqliteError(error)) throw new UnavailableError('the embedded store could not be read', { cause: error });
    throw error;
  }
}

/** A file could not be opened: the driver's own error says that by a number alone. As SQLite says it of its own accord. */
class CannotOpenError extends Error {
  override readonly name = 'SqliteError';
  readonly code = 'SQLITE_CANTOPEN';
}

/** Opens a file, or makes it; `timeout`: how long its statements wait for whoever holds it, in ms. @throws an error that `isSqliteError` */
export function openFile(file: string, timeout = BUSY_WAIT_MS): Sqlite.Database {
  try {
    return new Sqlite(file, { timeout });
  } catch (error) {
    throw isSqliteError(error) ? error : new CannotOpenError('cannot be opened: it is no file, or there is no permission');
  }
}

/** Whether the error is SQLite's own. */
export function isSqliteError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && error.name === 'SqliteError';
}

function openDurable(file: string, onlyRead: boolean, memory: MemoryUse): Sqlite.Database {
  const handle = openFile(file);
  handle.pragma('journal_mode = WAL');
  handle.pragma('synchronous = FULL');
  // What is deleted is overwritten: nothing of it stays in the file until its room is needed.
  handle.pragma('secure_delete = ON');
  const { cacheKb, logPages } = memoryUses[memory];
  handle.pragma(`cache_size = -${cacheKb}`);
  handle.pragma('temp_store = MEMORY');
  handle.pragma(`wal_autocheckpoint = ${logPages}`);
  if (onlyRead) handle.pragma('query_only = ON');
  return handle;
}
