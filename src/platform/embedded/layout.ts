// The layout of the two files, as numbered migrations: a landed one is never changed.

import { eventEntriesTable } from './eventEntries.js';
import { historyTables } from './historyRows.js';
import type { Migration } from './migrate.js';
import { chainTables } from './chainTables.js';
import { webhookTables } from './webhookTables.js';

/** What the two files are called, in the folder of the data and in a backup of either. */
export const storeFile = { events: 'contacts.sqlite', keys: 'keys.sqlite' } as const;

/** `contacts.sqlite`: events, read models, and what else is state. */
export const storeMigrations: readonly Migration[] = [
  `
  -- Every event, in the order of the log. position: from 1, without gaps.
  CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    stream   TEXT NOT NULL,
    revision INTEGER NOT NULL,
    id       TEXT NOT NULL,
    type     TEXT NOT NULL,
    data     TEXT NOT NULL,
    metadata TEXT NOT NULL
  );
  CREATE UNIQUE INDEX events_by_stream ON events (stream, revision);

  -- How far subscribers have come.
  CREATE TABLE checkpoints (
    subscriber TEXT PRIMARY KEY,
    position   INTEGER NOT NULL
  ) WITHOUT ROWID;
  `,
  `
  -- Read models. A collection is one projection's documents of one organization; the number of
  -- the collection makes up the upper bits of its documents' rowids, so that they lie together
  -- in every index, the full-text ones too.
  CREATE TABLE projections (
    name     TEXT PRIMARY KEY,
    version  INTEGER NOT NULL,
    position INTEGER NOT NULL
  ) WITHOUT ROWID;

  CREATE TABLE collections (
    number       INTEGER PRIMARY KEY,
    projection   TEXT NOT NULL,
    organization TEXT NOT NULL,
    UNIQUE (projection, organization)
  );

  CREATE TABLE collection_counts (
    collection INTEGER NOT NULL,
    status     TEXT NOT NULL,
    count      INTEGER NOT NULL,
    PRIMARY KEY (collection, status)
  ) WITHOUT ROWID;

  CREATE TABLE documents (
    rowid          INTEGER PRIMARY KEY,
    collection     INTEGER NOT NULL,
    id             TEXT NOT NULL,
    revision       INTEGER NOT NULL,
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
  CREATE UNIQUE INDEX documents_by_id ON documents (collection, id);
  CREATE INDEX documents_by_name ON documents (collection, sort_name, id);
  CREATE INDEX documents_by_created ON documents (collection, created_at, id);
  CREATE INDEX documents_by_updated ON documents (collection, updated_at, id);
  CREATE INDEX documents_by_status ON documents (collection, status, sort_name, id) WHERE status <> 'active';
  CREATE INDEX documents_by_parent ON documents (collection, parent_id, sort_name, id) WHERE parent_id IS NOT NULL;
  CREATE INDEX documents_by_department ON documents (collection, department, sort_name, id) WHERE department IS NOT NULL;
  CREATE INDEX documents_by_method ON documents (collection, contact_method, sort_name, id) WHERE contact_method IS NOT NULL;
  CREATE INDEX documents_by_manager ON documents (collection, manager_id, sort_name, id) WHERE manager_id IS NOT NULL;
  CREATE INDEX documents_by_primary ON documents (collection, primary_id) WHERE primary_id IS NOT NULL;

  -- Documents that are gone, and at which revision, so that an old event brings none back.
  CREATE TABLE tombstones (
    collection INTEGER NOT NULL,
    id         TEXT NOT NULL,
    revision   INTEGER NOT NULL,
    PRIMARY KEY (collection, id)
  ) WITHOUT ROWID;

  -- Search: every run of three characters of documents.searchable, and for shorter words every
  -- run of one or two within a word.
  CREATE VIRTUAL TABLE search_trigrams USING fts5 (
    searchable, content = '', contentless_delete = 1, tokenize = "trigram case_sensitive 1"
  );
  CREATE VIRTUAL TABLE search_grams USING fts5 (
    grams, content = '', contentless_delete = 1, detail = none,
    tokenize = "ascii tokenchars '!""#$%&''()*+,-./:;<=>?@[\\]^_\`{|}~'"
  );
  `,
  `
  CREATE TABLE idempotency (
    organization TEXT NOT NULL,
    key          TEXT NOT NULL,
    fingerprint  TEXT NOT NULL,
    aggregate_id TEXT NOT NULL,
    event_id     TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    claimed_at   INTEGER NOT NULL,
    answer       TEXT,
    PRIMARY KEY (organization, key)
  ) WITHOUT ROWID;
  CREATE INDEX idempotency_by_age ON idempotency (created_at);

  CREATE TABLE rate_limits (
    key        TEXT PRIMARY KEY,
    points     INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  `,
  `
  -- Generations of a projection: one is live, one may be being built, others are to be dropped.
  CREATE TABLE generations (
    projection TEXT NOT NULL,
    number     INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    position   INTEGER NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('live', 'building', 'dropped')),
    PRIMARY KEY (projection, number)
  ) WITHOUT ROWID;
  INSERT INTO generations SELECT name, 1, version, position, 'live' FROM projections;
  DROP TABLE projections;

  -- A collection is one projection's documents of one organization in one generation.
  CREATE TABLE collections_of_generations (
    number       INTEGER PRIMARY KEY,
    projection   TEXT NOT NULL,
    generation   INTEGER NOT NULL,
    organization TEXT NOT NULL,
    UNIQUE (projection, generation, organization)
  );
  INSERT INTO collections_of_generations SELECT number, projection, 1, organization FROM collections;
  DROP TABLE collections;
  ALTER TABLE collections_of_generations RENAME TO collections;

  -- Numbers of collections that were dropped, to be given again: they make up rowids, which are finite.
  CREATE TABLE spare_collections (number INTEGER PRIMARY KEY);
  `,
  webhookTables,
  `
  -- What an erased contact's requests were answered is found by it.
  CREATE INDEX idempotency_by_aggregate ON idempotency (aggregate_id);

  -- Times that what was deleted was asked to be overwritten, and is not yet.
  CREATE TABLE scrubs (number INTEGER PRIMARY KEY);

  -- The events of each organization, in the order of the log.
  CREATE INDEX events_by_organization ON events (json_extract(metadata, '$.organizationId'), position, type);
  `,
  historyTables,
  chainTables,
  eventEntriesTable,
  `
  -- How much of a transaction full-text indexes gather, in bytes, before they write a segment of
  -- it: large ones write one each, rather than many that are merged again.
  INSERT INTO search_trigrams (search_trigrams, rank) VALUES ('hashsize', 16777216);
  INSERT INTO search_grams (search_grams, rank) VALUES ('hashsize', 16777216);
  `,
];

/** `keys.sqlite`: the key of each contact, wrapped; null once destroyed. */
export const keyMigrations: readonly Migration[] = [
  `
  CREATE TABLE keys (
    organization TEXT NOT NULL,
    id           TEXT NOT NULL,
    wrapped      BLOB,
    PRIMARY KEY (organization, id)
  ) WITHOUT ROWID;

  -- A known text encrypted with the wrapping key, by which a wrong one is noticed at the start.
  CREATE TABLE wrapping_check (
    fingerprint TEXT PRIMARY KEY,
    box         BLOB NOT NULL
  ) WITHOUT ROWID;
  `,
  `
  -- By which wrapping key each key is wrapped; null once destroyed. wrapping_check names those in use.
  ALTER TABLE keys ADD COLUMN wrapped_by TEXT;
  UPDATE keys SET wrapped_by = (SELECT fingerprint FROM wrapping_check) WHERE wrapped IS NOT NULL;
  CREATE INDEX keys_by_wrapping ON keys (wrapped_by) WHERE wrapped_by IS NOT NULL;
  `,
];

/**
 * The tables of `contacts.sqlite` that are made from the events, besides full-text indexes. Backups
 * leave them out: what is personal stands in them in the clear, and whoever makes them anew makes
 * other numbers of collections.
 */
export const readModelTables: ReadonlySet<string> = new Set([
  'generations',
  'collections',
  'collection_counts',
  'documents',
  'tombstones',
  'spare_collections',
  'event_entries',
  'history',
  'versions',
]);
