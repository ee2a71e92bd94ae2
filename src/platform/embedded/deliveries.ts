// Webhook deliveries in SQLite, in the file of the events.

import { decodeOrganization, encodeOrganization } from '../../domain/streams.js';
import type {
  DeliveryPage,
  DeliveryQuery,
  DeliveryStatus,
  DeliveryStore,
  Derived,
  DueDelivery,
  NewDelivery,
  Outcome,
  Payload,
  QueueStatistics,
} from '../../ports/deliveryStore.js';
import type { EventLog, Position } from '../../ports/eventLog.js';
import type { EndpointRef } from '../../ports/webhookEndpoints.js';
import { reading, type Database } from './database.js';
import { endpointNumber, EndpointNumbers, insertDelivery, insertPayload, readAttempts, reviveDelivery, settleDeliveries, type EndpointNumber } from './deliveryRows.js';
import type { GroupCommit } from './groupCommit.js';
import { keyOf, toDate } from './webhookEndpoints.js';

const SUBSCRIBER = 'webhooks';
const SWEPT_AT_A_TIME = 500;

interface DueRow {
  id: string;
  event_id: string;
  topic: string;
  contact_id: string | null;
  sequence: number | null;
  tries: number;
}

interface LoggedRow {
  number: number;
  id: string;
  event_id: string;
  topic: string;
  contact_id: string | null;
  status: DeliveryStatus;
  next_at: number | null;
  attempts: string;
}

interface AgendaRow {
  organization: string;
  id: string;
  at: number;
}

/** The index that finds an endpoint's deliveries of a status. */
const indexOf: Record<DeliveryStatus | 'any', string> = {
  any: 'webhook_deliveries_by_endpoint',
  delivered: 'webhook_deliveries_by_endpoint',
  erased: 'webhook_deliveries_by_endpoint',
  pending: 'webhook_deliveries_pending',
  failed: 'webhook_deliveries_failed',
};

export class SqliteDeliveryStore implements DeliveryStore {
  constructor(
    private readonly database: Database,
    private readonly writes: GroupCommit,
    private readonly compare: EventLog['compare'],
  ) {}

  async checkpoint(): Promise<Position | null> {
    return reading(() => this.checkpointNow());
  }

  async derive({ from, to, deliveries, payloads, considered }: Derived, now: Date): Promise<boolean> {
    return this.writes.run(() => {
      if (this.checkpointNow() !== from) return false;
      this.database.run('INSERT OR REPLACE INTO checkpoints (subscriber, position) VALUES (?, ?)', SUBSCRIBER, to);
      this.insert(deliveries, payloads, now.getTime());
      for (const ref of considered) this.raise(ref, to);
      return true;
    });
  }

  /** What waits is made ready in the transaction that settles what is before it. */
  async recover(): Promise<void> {}

  async add(delivery: NewDelivery, payload: Payload, now: Date): Promise<void> {
    await this.writes.run(() => this.insert([delivery], [payload], now.getTime()));
  }

  async agenda(): Promise<(EndpointRef & { at: Date })[]> {
    // Goes from endpoint to endpoint along the index: as many steps as there are endpoints with ready deliveries.
    const sql = `WITH RECURSIVE busy (endpoint) AS (
        SELECT min(endpoint) FROM webhook_deliveries WHERE next_at IS NOT NULL
        UNION ALL
        SELECT (SELECT min(endpoint) FROM webhook_deliveries WHERE next_at IS NOT NULL AND endpoint > busy.endpoint)
        FROM busy WHERE busy.endpoint IS NOT NULL
      )
      SELECT e.organization, e.id,
        max(coalesce(e.paused_until, 0),
          (SELECT min(next_at) FROM webhook_deliveries d WHERE d.endpoint = e.number AND d.next_at IS NOT NULL)) AS at
      FROM busy JOIN webhook_endpoints e ON e.number = busy.endpoint WHERE e.enabled = 1`;
    const rows = await reading(() => this.database.all<AgendaRow>(sql));
    return rows.map(({ organization, id, at }) => ({ organizationId: decodeOrganization(organization), endpointId: id, at: new Date(at) }));
  }

  async due(ref: EndpointRef, now: Date, limit: number): Promise<DueDelivery[]> {
    const rows = await reading(() => {
      const endpoint = endpointNumber(this.database, ref);
      return endpoint === undefined ? [] : this.dueRows(endpoint, now.getTime(), limit);
    });
    return rows.map(({ event_id, contact_id, ...row }) => ({ ...ref, ...row, eventId: event_id, contactId: contact_id }));
  }

  async payload({ eventId, topic }: Pick<DueDelivery, 'eventId' | 'topic'>): Promise<Buffer | null> {
    const sql = 'SELECT body FROM webhook_payloads WHERE event_id = ? AND topic = ?';
    const row = await reading(() => this.database.get<{ body: Buffer }>(sql, eventId, topic));
    return row === undefined ? null : Buffer.from(row.body);
  }

  async record(outcomes: readonly Outcome[], now: Date): Promise<void> {
    await this.writes.run(() => settleDeliveries(this.database, outcomes, now.getTime()));
  }

  async list(ref: EndpointRef, { status, limit, after }: DeliveryQuery): Promise<DeliveryPage> {
    const rows = await reading(() => {
      const endpoint = endpointNumber(this.database, ref);
      if (endpoint === undefined) return [];
      const sql = `SELECT number, id, event_id, topic, contact_id, status, next_at, attempts
        FROM webhook_deliveries INDEXED BY ${status === null ? indexOf.any : indexOf[status]}
        WHERE endpoint = ? AND number < ? ${status === null ? '' : `AND status = '${status}'`} ORDER BY number DESC LIMIT ?`;
      return this.database.all<LoggedRow>(sql, endpoint.number, after ?? Number.MAX_SAFE_INTEGER, limit + 1);
    });
    const items = rows.slice(0, limit).map(({ number: _number, event_id, contact_id, next_at, attempts, ...row }) => ({
      ...row,
      eventId: event_id,
      contactId: contact_id,
      nextAttemptAt: toDate(next_at),
      attempts: readAttempts(attempts),
    }));
    return { items, next: rows.length > limit ? (rows[limit - 1]?.number ?? null) : null };
  }

  async retry(ref: EndpointRef, id: string, now: Date): Promise<DeliveryStatus | null> {
    return this.writes.run(() => {
      const endpoint = endpointNumber(this.database, ref);
      return endpoint === undefined ? null : reviveDelivery(this.database, endpoint, id, now.getTime());
    });
  }

  async erase({ organizationId, contactId }: { organizationId: string; contactId: string }): Promise<void> {
    const organization = encodeOrganization(organizationId);
    await this.writes.run(() => {
      this.database.run(
        `UPDATE webhook_deliveries SET status = 'erased', next_at = NULL WHERE status = 'pending' AND contact_id = ?
           AND endpoint IN (SELECT number FROM webhook_endpoints WHERE organization = ?)`,
        contactId,
        organization,
      );
      this.database.run('DELETE FROM webhook_payloads WHERE contact_id = ? AND organization = ?', contactId, organization);
    });
  }

  async sweep(before: Date): Promise<number> {
    let swept = 0;
    let after: number | null = 0;
    while (after !== null) {
      const from: number = after;
      const step: { swept: number; last: number | null } = await this.writes.run(() => this.sweepFrom(from, before.getTime()));
      swept += step.swept;
      after = step.last;
    }
    return swept;
  }

  async statistics(limit: number): Promise<QueueStatistics> {
    const of = `FROM webhook_deliveries d WHERE d.endpoint = e.number AND d.status = 'pending'`;
    const sql = `SELECT organization, sum(pending) AS pending, min(oldest) AS oldest FROM (
        SELECT e.organization, (SELECT count(*) ${of}) AS pending, (SELECT queued_at ${of} ORDER BY number LIMIT 1) AS oldest
        FROM webhook_endpoints e WHERE e.enabled = 1
      ) GROUP BY organization HAVING sum(pending) > 0 ORDER BY pending DESC`;
    const rows = await reading(() => this.database.all<{ organization: string; pending: number; oldest: number }>(sql));
    return {
      pending: rows.reduce((sum, { pending }) => sum + pending, 0),
      oldestAt: rows.length === 0 ? null : new Date(Math.min(...rows.map(({ oldest }) => oldest))),
      organizations: rows.slice(0, limit).map(({ organization, pending, oldest }) => ({
        organizationId: decodeOrganization(organization),
        pending,
        oldestAt: new Date(oldest),
      })),
    };
  }

  async pending(ref: EndpointRef, limit: number): Promise<number> {
    return reading(() => {
      const endpoint = endpointNumber(this.database, ref);
      if (endpoint === undefined) return 0;
      const sql = `SELECT count(*) AS count FROM (SELECT 1 FROM webhook_deliveries WHERE endpoint = ? AND status = 'pending' LIMIT ?)`;
      return this.database.get<{ count: number }>(sql, endpoint.number, limit)?.count ?? 0;
    });
  }

  /** Moves an endpoint's high-water position on to `to`. */
  private raise(ref: EndpointRef, to: Position): void {
    const row = this.database.get<{ position: Position | number }>('SELECT high_water AS position FROM webhook_endpoints WHERE organization = ? AND id = ?', ...keyOf(ref));
    if (row === undefined || this.compare(String(row.position), to) >= 0) return;
    this.database.run('UPDATE webhook_endpoints SET high_water = ? WHERE organization = ? AND id = ?', to, ...keyOf(ref));
  }

  private checkpointNow(): Position | null {
    const row = this.database.get<{ position: Position | number }>('SELECT position FROM checkpoints WHERE subscriber = ?', SUBSCRIBER);
    return row === undefined ? null : String(row.position);
  }

  private insert(deliveries: readonly NewDelivery[], payloads: readonly Payload[], now: number): void {
    const endpoints = new EndpointNumbers(this.database);
    for (const payload of payloads) insertPayload(this.database, payload, now);
    for (const delivery of deliveries) {
      const endpoint = endpoints.of(delivery);
      if (endpoint !== undefined) insertDelivery(this.database, endpoint, delivery, now);
    }
  }

  /** For an ordered endpoint, only those that no earlier one about the same contact is in the way of: it may not have been ordered before. */
  private dueRows({ number, ordered }: EndpointNumber, now: number, limit: number): DueRow[] {
    const first = `AND NOT EXISTS (SELECT 1 FROM webhook_deliveries b WHERE b.endpoint = d.endpoint AND b.contact_id = d.contact_id
      AND b.status = 'pending' AND b.number < d.number AND (b.tries > 0 OR (b.tries = 0 AND b.next_at IS NOT NULL)))`;
    const sql = `SELECT d.id, d.event_id, d.topic, d.contact_id, d.sequence, d.tries
      FROM webhook_deliveries d INDEXED BY webhook_deliveries_ready
      WHERE d.endpoint = ? AND d.next_at <= ? ${ordered ? first : ''} ORDER BY d.next_at, d.number LIMIT ?`;
    return this.database.all<DueRow>(sql, number, now, limit);
  }

  /** Looks at a run of deliveries after number `from`; `last` is null when it met one that is young. */
  private sweepFrom(from: number, before: number): { swept: number; last: number | null } {
    const sql = `SELECT d.number, d.created_at, d.queued_at, d.status = 'pending' AND e.enabled = 1 AS needed
      FROM webhook_deliveries d JOIN webhook_endpoints e ON e.number = d.endpoint WHERE d.number > ? ORDER BY d.number LIMIT ?`;
    const rows = this.database.all<{ number: number; created_at: number; queued_at: number; needed: number }>(sql, from, SWEPT_AT_A_TIME);
    const old = rows.filter(({ queued_at, needed }) => queued_at < before && needed === 0);
    for (const { number } of old) this.database.run('DELETE FROM webhook_deliveries WHERE number = ?', number);
    const met = rows.length < SWEPT_AT_A_TIME || rows.some(({ created_at }) => created_at >= before);
    if (met) this.sweepRest(before);
    return { swept: old.length, last: met ? null : (rows.at(-1)?.number ?? null) };
  }

  private sweepRest(before: number): void {
    this.database.run('DELETE FROM webhook_payloads WHERE needed_at < ?', before);
    this.database.run('DELETE FROM webhook_replays WHERE done = 1 AND created_at < ?', before);
  }
}
