// Copies tables from one SQLite file into another within one read transaction: what is copied is
// of one moment, whatever is written meanwhile. In pieces, so that requests get their turn between.

import Sqlite from 'libsql';
import { setImmediate as turn } from 'node:timers/promises';
import type { SqlValue } from '../database.js';

/** How many rows are copied at a time. */
const ROWS = 2_000;

type CopiedRows = (table: string, rows: number) => void;

/** What is copied in place of columns: of a table, by column, an SQL expression. */
export type Replacements = Readonly<Record<string, Readonly<Record<string, string>>>>;

export class SnapshotCopy {
  private constructor(private readonly handle: Sqlite.Database) {}

  /** Begins a copy of `source` as it stands now into the file `target`, which `prepare` makes first for the source's layout. */
  static begin(source: string, target: string, prepare: (layout: number) => void = () => undefined): SnapshotCopy {
    const copy = new SnapshotCopy(new Sqlite(source));
    try {
      prepare(copy.layout());
      copy.handle.prepare('ATTACH ? AS target').run([target]);
      // A target that is not finished is thrown away: it needs no journal, and one sync at the end.
      copy.handle.exec('PRAGMA target.journal_mode = OFF; PRAGMA target.synchronous = OFF; BEGIN');
      // The first read is what takes the snapshot.
      copy.layout();
      return copy;
    } catch (error) {
      copy.close();
      throw error;
    }
  }

  /** The layout of the source. */
  layout(): number {
    return this.number('PRAGMA main.user_version', 'user_version');
  }

  /** The first column named `column` of a query of one row, which names tables as `main.…`. */
  number(sql: string, column: string): number {
    return Number((this.handle.prepare(sql).get([]) as Record<string, SqlValue>)[column]);
  }

  /** Makes tables of the source, without indexes, in a target that has none. */
  createTables(tables: readonly string[]): void {
    for (const table of tables) {
      const sql = "SELECT sql FROM main.sqlite_master WHERE type = 'table' AND name = ?";
      const { sql: create } = this.handle.prepare(sql).get([table]) as { sql: string };
      this.handle.exec(create.replace(/^CREATE TABLE\s+("[^"]+"|[^\s(]+)/i, `CREATE TABLE target."${table}"`));
    }
    this.handle.exec(`PRAGMA target.user_version = ${this.layout()}`);
  }

  /** The source's tables, but SQLite's own, those of full-text indexes, and `left`. */
  tables(left: ReadonlySet<string>): string[] {
    const sql = "SELECT name, sql FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    const found = this.handle.prepare(sql).all([]) as { name: string; sql: string }[];
    const virtual = found.filter((table) => table.sql.startsWith('CREATE VIRTUAL')).map(({ name }) => name);
    const ofVirtual = (name: string) => virtual.some((index) => name === index || name.startsWith(`${index}_`));
    return found.map(({ name }) => name).filter((name) => !left.has(name) && !ofVirtual(name));
  }

  /** Copies every row of `tables`, which the target has. @throws what aborted `signal` */
  async copyRows(tables: readonly string[], copied: CopiedRows, signal: AbortSignal, replacements: Replacements = {}): Promise<void> {
    for (const table of tables) {
      for (let last: SqlValue[] | null = null, first = true; first || last !== null; first = false) {
        signal.throwIfAborted();
        const rows = this.copySome(table, last, replacements[table] ?? {});
        copied(table, rows);
        last = rows < ROWS ? null : this.lastKey(table);
        await turn();
      }
    }
  }

  /** Finishes what was copied. */
  commit(): void {
    this.handle.exec('COMMIT');
  }

  /** Lets go of both files; what was not committed is not good for anything. */
  close(): void {
    this.handle.close();
  }

  /** Copies the next rows after the one with the primary key `after`; returns how many. */
  private copySome(table: string, after: SqlValue[] | null, replaced: Replacements[string]): number {
    const key = this.keyOf(table);
    const columns = this.columnsOf(table).map((column) => replaced[column] ?? `"${column}"`);
    const order = key.map((column) => `"${column}"`).join(', ');
    const where = after === null ? '' : `WHERE (${order}) > (${key.map(() => '?').join(', ')})`;
    const sql = `INSERT OR REPLACE INTO target."${table}" SELECT ${columns.join(', ')} FROM main."${table}" ${where} ORDER BY ${order} LIMIT ${ROWS}`;
    return this.handle.prepare(sql).run(after ?? []).changes;
  }

  private lastKey(table: string): SqlValue[] {
    const key = this.keyOf(table);
    const order = key.map((column) => `"${column}" DESC`).join(', ');
    const sql = `SELECT ${key.map((column) => `"${column}"`).join(', ')} FROM target."${table}" ORDER BY ${order} LIMIT 1`;
    const row = this.handle.prepare(sql).get([]) as Record<string, SqlValue>;
    return key.map((column) => row[column] ?? null);
  }

  private columnsOf(table: string): string[] {
    return (this.handle.prepare('SELECT name FROM pragma_table_info(?) ORDER BY cid').all([table]) as { name: string }[]).map(({ name }) => name);
  }

  /** Every table has a primary key: rows are copied in its order. */
  private keyOf(table: string): string[] {
    const sql = 'SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk';
    return (this.handle.prepare(sql).all([table]) as { name: string }[]).map(({ name }) => name);
  }
}
