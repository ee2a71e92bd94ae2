// The tables of the chains of events.

export const chainTables = `
  -- The end of each organization's chain.
  CREATE TABLE chains (
    number          INTEGER PRIMARY KEY,
    organization    TEXT NOT NULL UNIQUE,
    sequence        INTEGER NOT NULL,
    hash            BLOB NOT NULL,
    position        TEXT NOT NULL,
    at              TEXT NOT NULL,
    signature       TEXT NOT NULL,
    key_fingerprint TEXT NOT NULL,
    last_event      INTEGER NOT NULL,
    covered         INTEGER NOT NULL,
    uncovered_since INTEGER
  );
  CREATE INDEX chains_uncovered ON chains (uncovered_since) WHERE uncovered_since IS NOT NULL;

  -- A link for each event, in the order of the log. number: from 1, without gaps.
  CREATE TABLE chain_links (
    number   INTEGER PRIMARY KEY,
    chain    INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    position TEXT NOT NULL,
    hash     BLOB NOT NULL
  );
  CREATE UNIQUE INDEX chain_links_by_chain ON chain_links (chain, sequence);
`;
