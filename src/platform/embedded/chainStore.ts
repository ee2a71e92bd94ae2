// The chains of events in SQLite, in the file of the events.

import { decodeOrganization, encodeOrganization } from '../../domain/streams.js';
import type { ChainEnd, ChainStep, ChainStore, Link, SignedHead } from '../../ports/chainStore.js';
import type { Position } from '../../ports/eventLog.js';
import { reading, type Database } from './database.js';
import type { GroupCommit } from './groupCommit.js';

const SUBSCRIBER = 'audit';

interface EndRow {
  organization: string;
  sequence: number;
  hash: Buffer;
  position: string;
  at: string;
  signature: string;
  key_fingerprint: string;
  last_event: number;
  covered: number;
  uncovered_since: number | null;
}

interface LinkRow {
  number: number;
  organization: string | null;
  sequence: number;
  event_id: string;
  position: string;
  hash: Buffer;
}

const END_COLUMNS = 'organization, sequence, hash, position, at, signature, key_fingerprint, last_event, covered, uncovered_since';
const LINKS = `SELECT l.number, c.organization, l.sequence, l.event_id, l.position, l.hash
  FROM chain_links l LEFT JOIN chains c ON c.number = l.chain`;

export class SqliteChainStore implements ChainStore {
  constructor(
    private readonly database: Database,
    private readonly writes: GroupCommit,
  ) {}

  async checkpoint(): Promise<{ position: Position | null; links: number }> {
    return reading(() => {
      const { links } = this.database.get<{ links: number }>('SELECT coalesce(max(number), 0) AS links FROM chain_links') ?? { links: 0 };
      return { position: this.positionNow(), links };
    });
  }

  async append({ from, to, links, ends }: ChainStep): Promise<boolean> {
    return this.writes.runInPassing(() => {
      if (this.positionNow() !== from) return false;
      this.database.run('INSERT OR REPLACE INTO checkpoints (subscriber, position) VALUES (?, ?)', SUBSCRIBER, to);
      for (const end of ends) this.putEnd(end);
      for (const link of links) this.insertLink(link);
      return true;
    });
  }

  async end(organizationId: string): Promise<ChainEnd | null> {
    const sql = `SELECT ${END_COLUMNS} FROM chains WHERE organization = ?`;
    const row = await reading(() => this.database.get<EndRow>(sql, encodeOrganization(organizationId)));
    return row === undefined ? null : toEnd(row);
  }

  async ends(after: string | null, limit: number): Promise<ChainEnd[]> {
    const from = after === null ? '' : 'WHERE organization > ?2';
    const sql = `SELECT ${END_COLUMNS} FROM chains ${from} ORDER BY organization LIMIT ?1`;
    const values = after === null ? [limit] : [limit, encodeOrganization(after)];
    return reading(() => this.database.all<EndRow>(sql, ...values).map(toEnd));
  }

  async due(before: Date, limit: number): Promise<ChainEnd[]> {
    const sql = `SELECT ${END_COLUMNS} FROM chains WHERE uncovered_since <= ? ORDER BY uncovered_since LIMIT ?`;
    return reading(() => this.database.all<EndRow>(sql, before.getTime(), limit).map(toEnd));
  }

  async link(organizationId: string, sequence: number): Promise<Link | null> {
    const sql = `${LINKS} WHERE c.organization = ? AND l.sequence = ?`;
    const row = await reading(() => this.database.get<LinkRow>(sql, encodeOrganization(organizationId), sequence));
    return row === undefined ? null : toLink(row);
  }

  async links(after: number, limit: number): Promise<Link[]> {
    return reading(() => this.database.all<LinkRow>(`${LINKS} WHERE l.number > ? ORDER BY l.number LIMIT ?`, after, limit).map(toLink));
  }

  async resign({ organizationId, sequence, at, signature, keyFingerprint }: SignedHead): Promise<void> {
    const sql = 'UPDATE chains SET at = ?, signature = ?, key_fingerprint = ? WHERE organization = ? AND sequence = ?';
    await this.writes.run(() => this.database.run(sql, at, signature, keyFingerprint, encodeOrganization(organizationId), sequence));
  }

  private positionNow(): Position | null {
    const row = this.database.get<{ position: number | string }>('SELECT position FROM checkpoints WHERE subscriber = ?', SUBSCRIBER);
    return row === undefined ? null : String(row.position);
  }

  private putEnd(end: ChainEnd): void {
    this.database.run(
      `INSERT INTO chains (${END_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
       ON CONFLICT (organization) DO UPDATE SET sequence = ?2, hash = ?3, position = ?4, at = ?5, signature = ?6, key_fingerprint = ?7,
         last_event = ?8, covered = ?9, uncovered_since = ?10`,
      encodeOrganization(end.organizationId),
      end.sequence,
      Buffer.from(end.hash, 'hex'),
      end.position,
      end.at,
      end.signature,
      end.keyFingerprint,
      end.lastEvent,
      end.covered,
      end.uncoveredSince,
    );
  }

  private insertLink({ number, organizationId, sequence, eventId, position, hash }: Link): void {
    const sql = `INSERT INTO chain_links (number, chain, sequence, event_id, position, hash)
      VALUES (?, (SELECT number FROM chains WHERE organization = ?), ?, ?, ?, ?)`;
    this.database.run(sql, number, encodeOrganization(organizationId), sequence, eventId, position, Buffer.from(hash, 'hex'));
  }
}

function toEnd({ organization, sequence, hash, position, at, signature, key_fingerprint, last_event, covered, uncovered_since }: EndRow): ChainEnd {
  return {
    organizationId: decodeOrganization(organization),
    sequence,
    hash: hexOf(hash),
    position,
    at,
    signature,
    keyFingerprint: key_fingerprint,
    lastEvent: last_event,
    covered,
    uncoveredSince: uncovered_since,
  };
}

/** A link whose chain is gone is one of no organization's. */
function toLink({ number, organization, sequence, event_id, position, hash }: LinkRow): Link {
  return { number, organizationId: decodeOrganization(organization ?? ''), sequence, eventId: event_id, position, hash: hexOf(hash) };
}

const hexOf = (hash: Buffer): string => Buffer.from(hash).toString('hex');
