// The chains of events in SQLite, in the file of the events.

import { decodeOrganization, encodeOrganization } from '../../domain/streams.js';
import type { ChainEnd, ChainStep, ChainStore, Link, SignedHead } from '../../ports/chainStore.js';
import type { Position, StoredEvent } from '../../ports/eventLog.js';
import { reading, type Database } from './database.js';
import { EVENT_COLUMNS, toEvent, type EventRow } from './eventLog.js';
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
    readonly linksAtOnce: boolean,
  ) {}

  async checkpoint(): Promise<{ position: Position | null; links: number }> {
    return reading(() => {
      return { position: this.positionNow(), links: this.linksNow() };
    });
  }

  /** Event and link of one number go together. Where they do not, none after them does: halving finds the first. */
  async stranger(): Promise<StoredEvent | null> {
    return reading(() => {
      let [low, high] = [0, this.database.get<{ head: number }>('SELECT coalesce(max(position), 0) AS head FROM events')?.head ?? 0];
      if (!this.linksAtOnce || (high === this.linksNow() && this.isLinked(high))) return null;
      while (low < high) {
        const middle = Math.floor((low + high) / 2);
        if (this.isLinked(middle + 1)) low = middle + 1;
        else high = middle;
      }
      const row = this.database.get<EventRow>(`SELECT ${EVENT_COLUMNS} FROM events WHERE position > ? ORDER BY position LIMIT 1`, low);
      return row === undefined ? null : toEvent(row);
    });
  }

  async append({ from, to, links, ends }: ChainStep): Promise<boolean> {
    return this.writes.runInPassing(() => {
      if (this.positionNow() !== from) return false;
      this.appendNow(to, links, ends);
      return true;
    });
  }

  /** `append` within a group, wherever the checkpoint is. */
  appendNow(to: Position, links: readonly Link[], ends: readonly ChainEnd[]): void {
    // Where links are made at once the last of them says how far the log is chained.
    if (!this.linksAtOnce) this.database.run('INSERT OR REPLACE INTO checkpoints (subscriber, position) VALUES (?, ?)', SUBSCRIBER, to);
    const chains = new Map(ends.map((end) => [end.organizationId, this.putEnd(end)]));
    for (const link of links) this.insertLink(link, chains.get(link.organizationId) as number);
  }

  async end(organizationId: string): Promise<ChainEnd | null> {
    return reading(() => this.endNow(organizationId));
  }

  endNow(organizationId: string): ChainEnd | null {
    const row = this.database.get<EndRow>(`SELECT ${END_COLUMNS} FROM chains WHERE organization = ?`, encodeOrganization(organizationId));
    return row === undefined ? null : toEnd(row);
  }

  linksNow(): number {
    return this.database.get<{ links: number }>('SELECT coalesce(max(number), 0) AS links FROM chain_links')?.links ?? 0;
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

  private isLinked(number: number): boolean {
    const sql = 'SELECT 1 AS one FROM events e JOIN chain_links l ON l.number = e.position AND l.event_id = e.id WHERE e.position = ?';
    return number === 0 || this.database.get(sql, number) !== undefined;
  }

  private positionNow(): Position | null {
    if (this.linksAtOnce) return this.database.get<{ position: Position }>('SELECT position FROM chain_links ORDER BY number DESC LIMIT 1')?.position ?? null;
    const row = this.database.get<{ position: number | string }>('SELECT position FROM checkpoints WHERE subscriber = ?', SUBSCRIBER);
    return row === undefined ? null : String(row.position);
  }

  /** Returns the number of the chain. */
  private putEnd(end: ChainEnd): number {
    const row = this.database.get<{ number: number }>(
      `INSERT INTO chains (${END_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
       ON CONFLICT (organization) DO UPDATE SET sequence = ?2, hash = ?3, position = ?4, at = ?5, signature = ?6, key_fingerprint = ?7,
         last_event = ?8, covered = ?9, uncovered_since = ?10
       RETURNING number`,
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
    return row?.number ?? 0;
  }

  private insertLink({ number, sequence, eventId, position, hash }: Link, chain: number): void {
    const sql = 'INSERT INTO chain_links (number, chain, sequence, event_id, position, hash) VALUES (?, ?, ?, ?, ?, ?)';
    this.database.run(sql, number, chain, sequence, eventId, position, Buffer.from(hash, 'hex'));
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
