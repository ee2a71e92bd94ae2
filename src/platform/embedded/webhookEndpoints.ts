// Webhook endpoints and their sealed secrets in SQLite.

import { decodeOrganization, encodeOrganization } from '../../domain/streams.js';
import { SECRETS_MAX, type WebhookEndpoint } from '../../domain/webhookEndpoint.js';
import type { Position } from '../../ports/eventLog.js';
import type { EndpointRef, RegisteredEndpoint, StoredSecret, WebhookEndpoints } from '../../ports/webhookEndpoints.js';
import { reading, type Database } from './database.js';
import type { GroupCommit } from './groupCommit.js';

interface EndpointRow {
  revision: number;
  body: string;
  high_water: Position | number;
  failing_since: number | null;
  paused_until: number | null;
}

interface SecretRow {
  event_id: string;
  box: Buffer;
  until: number | null;
}

/** The values that find an endpoint's rows. */
export const keyOf = ({ organizationId, endpointId }: EndpointRef): [string, string] => [encodeOrganization(organizationId), endpointId];

export const toDate = (ms: number | null): Date | null => (ms === null ? null : new Date(ms));

const COLUMNS = 'revision, body, high_water, failing_since, paused_until';

export class SqliteWebhookEndpoints implements WebhookEndpoints {
  constructor(
    private readonly database: Database,
    private readonly writes: GroupCommit,
  ) {}

  async list(organizationId: string): Promise<RegisteredEndpoint[]> {
    const sql = `SELECT ${COLUMNS} FROM webhook_endpoints WHERE organization = ? AND body IS NOT NULL ORDER BY number`;
    return reading(() => this.database.all<EndpointRow>(sql, encodeOrganization(organizationId)).map(toRegistered));
  }

  async find(ref: EndpointRef): Promise<RegisteredEndpoint | null> {
    const sql = `SELECT ${COLUMNS} FROM webhook_endpoints WHERE organization = ? AND id = ? AND body IS NOT NULL`;
    const row = await reading(() => this.database.get<EndpointRow>(sql, ...keyOf(ref)));
    return row === undefined ? null : toRegistered(row);
  }

  async put(endpoint: WebhookEndpoint, revision: number, created: Position | null): Promise<void> {
    const { id, organizationId, status, ordered } = endpoint;
    const sql = `INSERT INTO webhook_endpoints (organization, id, revision, body, enabled, ordered, high_water)
      SELECT ?1, ?2, ?3, ?4, ?5, ?6, coalesce(?7, 0)
      WHERE ?7 IS NOT NULL OR EXISTS (SELECT 1 FROM webhook_endpoints WHERE organization = ?1 AND id = ?2)
      ON CONFLICT (organization, id) DO UPDATE SET revision = ?3, body = ?4, enabled = ?5, ordered = ?6,
        failing_since = iif(?5 > enabled, NULL, failing_since), paused_until = iif(?5 > enabled, NULL, paused_until)
      WHERE revision < ?3`;
    const flags = [status === 'enabled' ? 1 : 0, ordered ? 1 : 0];
    const values = [encodeOrganization(organizationId), id, revision, JSON.stringify(endpoint), ...flags, created];
    await this.writes.run(() => this.database.run(sql, ...values));
  }

  async remove(ref: EndpointRef, revision: number): Promise<void> {
    const sql = `INSERT INTO webhook_endpoints (organization, id, revision, body, enabled, ordered, high_water) VALUES (?1, ?2, ?3, NULL, 0, 0, 0)
      ON CONFLICT (organization, id) DO UPDATE SET revision = ?3, body = NULL, enabled = 0 WHERE revision < ?3`;
    await this.writes.run(() => {
      this.database.run(sql, ...keyOf(ref), revision);
      this.database.run('DELETE FROM webhook_secrets WHERE organization = ? AND endpoint_id = ?', ...keyOf(ref));
    });
  }

  async failing(before: Date): Promise<EndpointRef[]> {
    const sql = 'SELECT organization, id FROM webhook_endpoints WHERE enabled = 1 AND failing_since <= ?';
    const rows = await reading(() => this.database.all<{ organization: string; id: string }>(sql, before.getTime()));
    return rows.map(({ organization, id }) => ({ organizationId: decodeOrganization(organization), endpointId: id }));
  }

  async addSecret(ref: EndpointRef, { eventId, box }: Omit<StoredSecret, 'until'>, overlapUntil: Date): Promise<StoredSecret> {
    return this.writes.run(() => {
      const known = this.secretsNow(ref);
      const same = known.find((secret) => secret.eventId === eventId);
      if (same !== undefined) return same;
      const end = 'UPDATE webhook_secrets SET until = ? WHERE organization = ? AND endpoint_id = ? AND until IS NULL';
      this.database.run(end, overlapUntil.getTime(), ...keyOf(ref));
      const insert = `INSERT INTO webhook_secrets (organization, endpoint_id, number, event_id, box, until)
        SELECT ?1, ?2, coalesce(max(number), 0) + 1, ?3, ?4, NULL FROM webhook_secrets WHERE organization = ?1 AND endpoint_id = ?2`;
      this.database.run(insert, ...keyOf(ref), eventId, box);
      const forget = `DELETE FROM webhook_secrets WHERE organization = ?1 AND endpoint_id = ?2 AND number <=
        (SELECT max(number) - ?3 FROM webhook_secrets WHERE organization = ?1 AND endpoint_id = ?2)`;
      this.database.run(forget, ...keyOf(ref), SECRETS_MAX);
      return { eventId, box, until: null };
    });
  }

  async secrets(ref: EndpointRef): Promise<StoredSecret[]> {
    return reading(() => this.secretsNow(ref));
  }

  private secretsNow(ref: EndpointRef): StoredSecret[] {
    const sql = 'SELECT event_id, box, until FROM webhook_secrets WHERE organization = ? AND endpoint_id = ? ORDER BY number DESC';
    const rows = this.database.all<SecretRow>(sql, ...keyOf(ref));
    return rows.map(({ event_id, box, until }) => ({ eventId: event_id, box: Buffer.from(box), until: toDate(until) }));
  }
}

function toRegistered({ revision, body, high_water, failing_since, paused_until }: EndpointRow): RegisteredEndpoint {
  const health = { failingSince: toDate(failing_since), pausedUntil: toDate(paused_until) };
  return { endpoint: JSON.parse(body) as WebhookEndpoint, revision, highWater: String(high_water), health };
}
