// The tables of webhooks: endpoints and their secrets, deliveries, payloads, replays.

import type { Migration } from './migrate.js';

export const webhookTables: Migration = `
  -- Webhook endpoints as they stand; without a body once deleted.
  CREATE TABLE webhook_endpoints (
    number        INTEGER PRIMARY KEY,
    organization  TEXT NOT NULL,
    id            TEXT NOT NULL,
    revision      INTEGER NOT NULL,
    body          TEXT,
    enabled       INTEGER NOT NULL,
    ordered       INTEGER NOT NULL,
    high_water    INTEGER NOT NULL,
    failing_since INTEGER,
    paused_until  INTEGER,
    UNIQUE (organization, id)
  );

  CREATE TABLE webhook_secrets (
    organization TEXT NOT NULL,
    endpoint_id  TEXT NOT NULL,
    number       INTEGER NOT NULL,
    event_id     TEXT NOT NULL,
    box          BLOB NOT NULL,
    until        INTEGER,
    PRIMARY KEY (organization, endpoint_id, number)
  ) WITHOUT ROWID;

  -- What is sent. needed_at: when it was last asked for; it is kept for 30 days from then on.
  CREATE TABLE webhook_payloads (
    number       INTEGER PRIMARY KEY,
    event_id     TEXT NOT NULL,
    topic        TEXT NOT NULL,
    organization TEXT NOT NULL,
    contact_id   TEXT,
    body         BLOB NOT NULL,
    needed_at    INTEGER NOT NULL,
    UNIQUE (event_id, topic)
  );
  CREATE INDEX webhook_payloads_by_contact ON webhook_payloads (contact_id) WHERE contact_id IS NOT NULL;
  CREATE INDEX webhook_payloads_by_age ON webhook_payloads (needed_at);

  -- Deliveries, in the order in which they were derived. next_at: from when on a pending one is
  -- ready; null while it waits behind another, and once it is settled. queued_at: when it became
  -- pending, at first or again.
  CREATE TABLE webhook_deliveries (
    number     INTEGER PRIMARY KEY,
    endpoint   INTEGER NOT NULL,
    id         TEXT NOT NULL UNIQUE,
    event_id   TEXT NOT NULL,
    topic      TEXT NOT NULL,
    contact_id TEXT,
    sequence   INTEGER,
    status     TEXT NOT NULL,
    tries      INTEGER NOT NULL,
    next_at    INTEGER,
    created_at INTEGER NOT NULL,
    queued_at  INTEGER NOT NULL,
    attempts   TEXT NOT NULL
  );
  CREATE INDEX webhook_deliveries_by_endpoint ON webhook_deliveries (endpoint, number);
  CREATE INDEX webhook_deliveries_ready ON webhook_deliveries (endpoint, next_at, number) WHERE next_at IS NOT NULL;
  CREATE INDEX webhook_deliveries_by_contact ON webhook_deliveries (endpoint, contact_id, tries, next_at, number)
    WHERE status = 'pending';
  CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (endpoint, number) WHERE status = 'pending';
  CREATE INDEX webhook_deliveries_failed ON webhook_deliveries (endpoint, number) WHERE status = 'failed';

  CREATE TABLE webhook_replays (
    id           TEXT PRIMARY KEY,
    organization TEXT NOT NULL,
    endpoint_id  TEXT NOT NULL,
    since        INTEGER NOT NULL,
    until        INTEGER NOT NULL,
    topics       TEXT NOT NULL,
    position     INTEGER,
    deliveries   INTEGER NOT NULL,
    done         INTEGER NOT NULL,
    created_at   INTEGER NOT NULL
  ) WITHOUT ROWID;
  `;
