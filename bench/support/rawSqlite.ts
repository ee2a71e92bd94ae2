// The baseline of writing: the rows that the service wrote, written again by bare SQLite into
// tables and indexes of the same layout, in synced groups.

import Sqlite from 'libsql';
import { shortGrams } from '../../src/platform/embedded/search.js';

type Row = Record<string, string | number | null>;

const TABLES = ['events', 'documents'] as const;

/** Writes the events and documents of the file `from` into a new file `to`; returns contacts a second. */
export function rawSqliteRate(from: string, to: string, groupSize: number): number {
  const [source, target] = openBoth(from, to);
  const events = source.prepare('SELECT * FROM events ORDER BY position LIMIT 20000').all() as Row[];
  const documents = source.prepare('SELECT * FROM documents ORDER BY rowid LIMIT 20000').all() as Row[];
  const insert = { events: inserter(target, 'events', events), document: documentInserter(target, documents) };
  const startedAt = performance.now();
  for (let start = 0; start < documents.length; start += groupSize) {
    target.exec('BEGIN IMMEDIATE');
    for (const event of events.slice(start, start + groupSize)) insert.events(event);
    for (const document of documents.slice(start, start + groupSize)) insert.document(document);
    target.exec('COMMIT');
  }
  const seconds = (performance.now() - startedAt) / 1000;
  source.close();
  target.close();
  return documents.length / seconds;
}

/** Writes the documents of the file `from`, at most `count` of one projection, into a new file `to`; returns documents a second. */
export function rawDocumentsRate(from: string, to: string, count: number, groupSize: number): number {
  const [source, target] = openBoth(from, to);
  const sql = `SELECT * FROM documents WHERE collection IN (SELECT number FROM collections WHERE projection = 'contacts') ORDER BY rowid LIMIT ?`;
  const documents = source.prepare(sql).all([count]) as Row[];
  const insert = documentInserter(target, documents);
  const startedAt = performance.now();
  for (let start = 0; start < documents.length; start += groupSize) {
    target.exec('BEGIN IMMEDIATE');
    for (const document of documents.slice(start, start + groupSize)) insert(document);
    target.exec('COMMIT');
  }
  const seconds = (performance.now() - startedAt) / 1000;
  source.close();
  target.close();
  return documents.length / seconds;
}

function openBoth(from: string, to: string): [Sqlite.Database, Sqlite.Database] {
  const source = new Sqlite(from);
  const target = new Sqlite(to);
  for (const pragma of ['journal_mode = WAL', 'synchronous = FULL', 'cache_size = -16000', 'wal_autocheckpoint = 4000']) target.pragma(pragma);
  copyLayout(source, target);
  return [source, target];
}

function documentInserter(target: Sqlite.Database, documents: readonly Row[]): (document: Row) => void {
  const insert = inserter(target, 'documents', documents);
  const trigrams = target.prepare('INSERT INTO search_trigrams (rowid, searchable) VALUES (?, ?)');
  const grams = target.prepare('INSERT INTO search_grams (rowid, grams) VALUES (?, ?)');
  return (document) => {
    insert(document);
    trigrams.run(document.rowid, document.searchable);
    grams.run(document.rowid, shortGrams(String(document.searchable)));
  };
}

/** The tables of the service's file and every index on them; the shadow tables of FTS5 come with their tables. */
function copyLayout(source: Sqlite.Database, target: Sqlite.Database): void {
  const objects = source.prepare('SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL').all() as Row[];
  const wanted = new Set<unknown>([...TABLES, 'search_trigrams', 'search_grams']);
  for (const { type, name, tbl_name: table, sql } of objects) {
    if (wanted.has(type === 'index' ? table : name)) target.exec(String(sql));
  }
}

function inserter(target: Sqlite.Database, table: string, rows: readonly Row[]): (row: Row) => void {
  const columns = Object.keys(rows[0] ?? {});
  const statement = target.prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`);
  return (row) => void statement.run(columns.map((column) => row[column] ?? null));
}
