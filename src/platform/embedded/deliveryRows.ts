// Rows of webhook deliveries: how one comes in, is settled, and lets the next one about the same
// contact go. All of it runs within a group of writes.

import { encodeOrganization } from '../../domain/streams.js';
import { ATTEMPTS_KEPT, type Attempt, type DeliveryStatus, type NewDelivery, type Outcome, type Payload } from '../../ports/deliveryStore.js';
import type { EndpointRef } from '../../ports/webhookEndpoints.js';
import type { Database } from './database.js';
import { keyOf } from './webhookEndpoints.js';

/** An endpoint as deliveries need it. */
export interface EndpointNumber {
  number: number;
  ordered: boolean;
}

interface RevivedRow {
  number: number;
  event_id: string;
  topic: string;
  contact_id: string | null;
  status: DeliveryStatus;
}

/** The number of an endpoint; undefined when it is gone. */
export function endpointNumber(database: Database, ref: EndpointRef): EndpointNumber | undefined {
  const sql = 'SELECT number, ordered FROM webhook_endpoints WHERE organization = ? AND id = ? AND body IS NOT NULL';
  const row = database.get<{ number: number; ordered: number }>(sql, ...keyOf(ref));
  return row === undefined ? undefined : { number: row.number, ordered: row.ordered === 1 };
}

/** The numbers of endpoints within one group of writes, each looked up once. */
export class EndpointNumbers {
  private readonly known = new Map<string, EndpointNumber | undefined>();

  constructor(private readonly database: Database) {}

  of(ref: EndpointRef): EndpointNumber | undefined {
    if (!this.known.has(ref.endpointId)) this.known.set(ref.endpointId, endpointNumber(this.database, ref));
    return this.known.get(ref.endpointId);
  }
}

export function insertPayload(database: Database, { eventId, topic, organizationId, contactId, body }: Payload, now: number): void {
  database.run(
    `INSERT INTO webhook_payloads (event_id, topic, organization, contact_id, body, needed_at)
     VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (event_id, topic) DO UPDATE SET needed_at = max(needed_at, excluded.needed_at)`,
    eventId,
    topic,
    encodeOrganization(organizationId),
    contactId,
    body,
    now,
  );
}

/** Keeps a delivery; one with the same id stands. Returns whether it is new. */
export function insertDelivery(database: Database, endpoint: EndpointNumber, delivery: NewDelivery, now: number): boolean {
  const { id, eventId, topic, contactId, sequence, erased } = delivery;
  // One statement: each costs a crossing into the driver.
  const sql = `INSERT INTO webhook_deliveries
      (endpoint, id, event_id, topic, contact_id, sequence, status, tries, next_at, created_at, queued_at, attempts)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, iif(${inTheWay(endpoint, '?1', '?5')}, NULL, ?8), ?9, ?9, '[]') ON CONFLICT (id) DO NOTHING`;
  const status: DeliveryStatus = erased ? 'erased' : 'pending';
  return database.run(sql, endpoint.number, id, eventId, topic, contactId, sequence, status, erased ? null : now, now) > 0;
}

/** Makes a delivery pending again, unless it is or its contact was erased. Returns how it stands; null when it is not there. */
export function reviveDelivery(database: Database, endpoint: EndpointNumber, id: string, now: number): DeliveryStatus | null {
  const sql = 'SELECT number, event_id, topic, contact_id, status FROM webhook_deliveries WHERE id = ? AND endpoint = ?';
  const row = database.get<RevivedRow>(sql, id, endpoint.number);
  if (row === undefined) return null;
  if (row.status === 'pending' || row.status === 'erased') return row.status;
  const isKept = database.run('UPDATE webhook_payloads SET needed_at = ? WHERE event_id = ? AND topic = ?', now, row.event_id, row.topic) > 0;
  // A payload is kept as long as its deliveries are, but for an erasure.
  if (!isKept && row.contact_id !== null) return 'erased';
  const revive = `UPDATE webhook_deliveries SET status = 'pending', tries = 0, next_at = iif(${inTheWay(endpoint, '?1', '?2')}, NULL, ?3), queued_at = ?3
    WHERE number = ?4`;
  database.run(revive, endpoint.number, row.contact_id, now, row.number);
  return 'pending';
}

/** Keeps what became of tries, and makes ready what waited behind them. */
export function settleDeliveries(database: Database, outcomes: readonly Outcome[], now: number): void {
  const endpoints = new EndpointNumbers(database);
  const freed = new Map<EndpointNumber, string[]>();
  for (const outcome of outcomes) {
    const endpoint = endpoints.of(outcome);
    if (endpoint === undefined) continue;
    settle(database, endpoint, outcome);
    if (outcome.contactId === null) continue;
    const contacts = freed.get(endpoint);
    if (contacts === undefined) freed.set(endpoint, [outcome.contactId]);
    else contacts.push(outcome.contactId);
  }
  for (const [endpoint, contacts] of freed) releaseWaiting(database, endpoint, contacts, now);
}

/** Keeps what became of a try; a delivery that was settled meanwhile stays as it is. */
function settle(database: Database, endpoint: EndpointNumber, { id, attempt, next, health }: Outcome): void {
  if (health !== null) {
    const sql = 'UPDATE webhook_endpoints SET failing_since = ?, paused_until = ? WHERE number = ?';
    database.run(sql, health.failingSince?.getTime() ?? null, health.pausedUntil?.getTime() ?? null, endpoint.number);
  }
  const nextAt = next.status === 'pending' ? next.at.getTime() : null;
  if (attempt === null) database.run(SETTLE, next.status, nextAt, id);
  else database.run(SETTLE_TRIED, next.status, nextAt, JSON.stringify(attemptJson(attempt)), id);
}

/** As `releaseNext` for many contacts of an endpoint: about most of them nothing waits. */
function releaseWaiting(database: Database, endpoint: EndpointNumber, contactIds: readonly string[], now: number): void {
  const sql = `SELECT DISTINCT contact_id FROM webhook_deliveries WHERE endpoint = ?1 AND contact_id IN (SELECT value FROM json_each(?2))
    AND status = 'pending' AND tries = 0 AND next_at IS NULL`;
  const waiting = database.all<{ contact_id: string }>(sql, endpoint.number, JSON.stringify(contactIds));
  for (const { contact_id } of waiting) releaseNext(database, endpoint, contact_id, now);
}

/** Makes ready the first delivery about a contact that waits, when none is in its way any more. */
export function releaseNext(database: Database, { number, ordered }: EndpointNumber, contactId: string, now: number): void {
  const of = `FROM webhook_deliveries WHERE endpoint = ?1 AND contact_id = ?2 AND status = 'pending'`;
  const waiting = database.get<{ number: number | null }>(`SELECT min(number) AS number ${of} AND tries = 0 AND next_at IS NULL`, number, contactId);
  if (waiting === undefined || waiting.number === null) return;
  const untried = `SELECT 1 AS one ${of} AND tries = 0 AND next_at IS NOT NULL LIMIT 1`;
  if (database.get(untried, number, contactId) !== undefined) return;
  const tried = `SELECT 1 AS one ${of} AND tries > 0 LIMIT 1`;
  if (ordered && database.get(tried, number, contactId) !== undefined) return;
  database.run('UPDATE webhook_deliveries SET next_at = ? WHERE number = ?', now, waiting.number);
}

/** Attempts as they stand in a row. */
interface AttemptJson {
  at: string;
  ms: number;
  status: number | null;
  error: string | null;
  response: string | null;
}

export function toAttempt({ at, ms, status, error, response }: AttemptJson): Attempt {
  return { at: new Date(at), durationMs: ms, status, error, response: response === null ? null : Buffer.from(response, 'base64') };
}

export function readAttempts(text: string): Attempt[] {
  return (JSON.parse(text) as AttemptJson[]).map(toAttempt);
}

/** The attempts with one more, the oldest left out when there are too many. */
const APPENDED = `json_insert(iif(json_array_length(attempts) >= ${ATTEMPTS_KEPT}, json_remove(attempts, '$[0]'), attempts), '$[#]', json(?))`;

const SETTLE = `UPDATE webhook_deliveries SET status = ?, next_at = ? WHERE id = ? AND status = 'pending'`;

const SETTLE_TRIED = `UPDATE webhook_deliveries SET status = ?, next_at = ?, tries = tries + 1, attempts = ${APPENDED}
  WHERE id = ? AND status = 'pending'`;

function attemptJson({ at, durationMs, status, error, response }: Attempt): AttemptJson {
  return { at: at.toISOString(), ms: durationMs, status, error, response: response?.toString('base64') ?? null };
}

/** Whether a delivery to an endpoint about a contact has to wait behind another; about nobody (null), none does. */
function inTheWay({ ordered }: EndpointNumber, endpoint: string, contact: string): string {
  const before = ordered ? '' : 'AND d.tries = 0';
  return `EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.endpoint = ${endpoint} AND d.contact_id = ${contact} AND d.status = 'pending' ${before})`;
}
