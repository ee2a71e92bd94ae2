// The history of documents as rows: an entry for each event, and each version that is no longer
// the newest. The newest one is the document alone, so that a new contact writes no version.

import type { Entity } from '../../domain/entity.js';
import { eraseEntity } from '../../domain/history.js';
import { contactKeys } from '../../domain/keys.js';
import { jsonEqual, type Json } from '../../domain/json.js';
import type { Change, HistoryEntry, Version } from '../../ports/projection.js';
import { changesText, erasedUpdates, ERASING_EVENT, headOf } from '../historyText.js';
import type { Database, Row, SqlValue } from './database.js';
import { ROW_COLUMNS, rowValues } from './documentRows.js';
import type { Migration } from './migrate.js';

/** The step of the layout that makes the tables. */
export const historyTables: Migration = `
  -- What happened to documents, an event a row. head: what an answer says of it before its changes,
  -- as JSON; changes: a list as JSON, null where they are all that the first version has set.
  CREATE TABLE history (
    collection INTEGER NOT NULL,
    id         TEXT NOT NULL,
    revision   INTEGER NOT NULL,
    at         TEXT NOT NULL,
    actor      TEXT NOT NULL,
    type       TEXT NOT NULL,
    head       TEXT NOT NULL,
    changes    TEXT,
    PRIMARY KEY (collection, id, revision)
  ) WITHOUT ROWID;
  CREATE INDEX history_by_time ON history (collection, at, id, revision);
  CREATE INDEX history_by_actor ON history (collection, actor, at, id, revision);
  CREATE INDEX history_by_type ON history (collection, type, at, id, revision);

  -- Documents as they stood from updated_at until what followed.
  CREATE TABLE versions (
    rowid          INTEGER PRIMARY KEY,
    collection     INTEGER NOT NULL,
    id             TEXT NOT NULL,
    revision       INTEGER NOT NULL,
    until          TEXT NOT NULL,
    status         TEXT NOT NULL,
    sort_name      TEXT NOT NULL,
    created_at     TEXT NOT NULL,
    updated_at     TEXT NOT NULL,
    parent_id      TEXT,
    department     TEXT,
    contact_method TEXT,
    manager_id     TEXT,
    primary_id     TEXT,
    searchable     TEXT NOT NULL,
    body           TEXT NOT NULL
  );
  CREATE UNIQUE INDEX versions_by_id ON versions (collection, id, until, revision);
  CREATE INDEX versions_by_end ON versions (collection, until, updated_at);
`;

/** The values of `HISTORY_COLUMNS`. */
export type HistoryRow = [revision: number, at: string, actor: string, type: string, head: string, changes: string | null];

const HISTORY_COLUMNS = 'revision, at, actor, type, head, changes';
const INSERT_ENTRY = `INSERT OR IGNORE INTO history (collection, id, ${HISTORY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
const INSERT_VERSION = `INSERT OR IGNORE INTO versions (collection, id, revision, until, ${ROW_COLUMNS.join(', ')})
  VALUES (?, ?, ?, ?, ${ROW_COLUMNS.map(() => '?').join(', ')})`;

export function historyRow(entry: HistoryEntry): HistoryRow {
  return [entry.revision, entry.at, entry.actor.sub, entry.type, headOf(entry), changesText(entry)];
}

/** Adds one thing that happened to a document. */
export function insertHistoryRow(database: Database, collection: number, id: string, row: HistoryRow): void {
  database.run(INSERT_ENTRY, collection, id, ...row);
}

/** Adds what happened to a document. What erases it erases what it was, too. */
export function insertHistory(database: Database, collection: number, id: string, entries: readonly HistoryEntry[]): void {
  for (const entry of entries) {
    const { at, type, superseded } = entry;
    insertHistoryRow(database, collection, id, historyRow(entry));
    if (superseded !== null) insertVersion(database, collection, id, superseded, at);
    if (type === ERASING_EVENT) erase(database, collection, id);
  }
}

/** Takes what is personal out of all that is kept of a contact. */
function erase(database: Database, collection: number, id: string): void {
  const stood = 'SELECT revision, until, body FROM versions WHERE collection = ? AND id = ? ORDER BY until, revision';
  const versions = database.all<{ revision: number; until: string; body: string }>(stood, collection, id).map(({ body, ...place }) => {
    return { ...place, document: eraseEntity(JSON.parse(body) as Entity) };
  });
  database.run('DELETE FROM versions WHERE collection = ? AND id = ?', collection, id);
  for (const { revision, until, document } of versions) {
    insertVersion(database, collection, id, { revision, document, keys: contactKeys(document) }, until);
  }
  const told = 'SELECT revision, changes FROM history WHERE collection = ? AND id = ? AND changes IS NOT NULL';
  for (const { revision, changes } of erasedUpdates(database.all(told, collection, id), versions)) {
    database.run('UPDATE history SET changes = ? WHERE collection = ? AND id = ? AND revision = ?', changes, collection, id, revision);
  }
}

/** Whether what is kept from revision `from` to `to` of a change is what it tells. */
export function historyTells(database: Database, collection: number, { id, from, to, history }: Change): boolean {
  const entries = `SELECT ${HISTORY_COLUMNS} FROM history WHERE collection = ? AND id = ? AND revision > ? AND revision <= ? ORDER BY revision`;
  const told = history.map(historyRow);
  if (!sameRows(database.all(entries, collection, id, from, to), told)) return false;
  const versions = `SELECT revision, until, ${ROW_COLUMNS.join(', ')} FROM versions WHERE collection = ? AND id = ? AND revision >= ? AND revision < ? ORDER BY revision`;
  const stood = history.flatMap(({ superseded, at }) => (superseded === null ? [] : [[superseded.revision, at, ...rowValues(superseded.document, superseded.keys)]]));
  return sameRows(database.all(versions, collection, id, from, to), stood);
}

/** Whether anything is kept of a document beyond its newest revision. */
export function isHistoryPast(database: Database, collection: number, id: string, revision: number): boolean {
  const sql = `SELECT EXISTS (SELECT 1 FROM history WHERE collection = ?1 AND id = ?2 AND revision > ?3)
    OR EXISTS (SELECT 1 FROM versions WHERE collection = ?1 AND id = ?2 AND revision >= ?3) AS past`;
  return database.get<{ past: number }>(sql, collection, id, revision)?.past === 1;
}

function sameRows(rows: readonly Row[], expected: readonly SqlValue[][]): boolean {
  return rows.length === expected.length && rows.every((row, index) => jsonEqual(Object.values(row) as Json[], expected[index] as Json[]));
}

/** Drops up to `limit` rows; returns whether there was any. */
export function dropHistory(database: Database, collection: number, limit: number): boolean {
  const sql = `DELETE FROM history WHERE collection = ?1 AND (id, revision) IN
    (SELECT id, revision FROM history WHERE collection = ?1 LIMIT ?2)`;
  if (database.run(sql, collection, limit) > 0) return true;
  return database.run('DELETE FROM versions WHERE rowid IN (SELECT rowid FROM versions WHERE collection = ? LIMIT ?)', collection, limit) > 0;
}

function insertVersion(database: Database, collection: number, id: string, { revision, document, keys }: Version, until: string): void {
  database.run(INSERT_VERSION, collection, id, revision, until, ...rowValues(document, keys));
}
