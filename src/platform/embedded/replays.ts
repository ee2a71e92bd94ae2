// Replays of webhook deliveries in SQLite.

import { decodeOrganization } from '../../domain/streams.js';
import type { Derived } from '../../ports/deliveryStore.js';
import type { Replay, ReplayStore } from '../../ports/replayStore.js';
import type { Position } from '../../ports/eventLog.js';
import type { EndpointRef } from '../../ports/webhookEndpoints.js';
import { reading, type Database } from './database.js';
import { endpointNumber, insertDelivery, insertPayload, releaseNext, reviveDelivery } from './deliveryRows.js';
import type { GroupCommit } from './groupCommit.js';
import { keyOf } from './webhookEndpoints.js';

interface ReplayRow {
  id: string;
  organization: string;
  endpoint_id: string;
  since: number;
  until: number;
  topics: string;
  position: Position | number | null;
  deliveries: number;
  done: number;
}

export class SqliteReplayStore implements ReplayStore {
  constructor(
    private readonly database: Database,
    private readonly writes: GroupCommit,
  ) {}

  async start(replay: Replay, now: Date): Promise<void> {
    const { id, since, until, topics } = replay;
    const sql = `INSERT INTO webhook_replays (id, organization, endpoint_id, since, until, topics, position, deliveries, done, created_at)
      VALUES (?, ?, ?, ?, ?, ?, NULL, 0, 0, ?) ON CONFLICT (id) DO NOTHING`;
    const values = [id, ...keyOf(replay), since.getTime(), until.getTime(), JSON.stringify(topics), now.getTime()];
    await this.writes.run(() => this.database.run(sql, ...values));
  }

  async find(ref: EndpointRef, id: string): Promise<Replay | null> {
    const sql = 'SELECT * FROM webhook_replays WHERE id = ? AND organization = ? AND endpoint_id = ?';
    const row = await reading(() => this.database.get<ReplayRow>(sql, id, ...keyOf(ref)));
    return row === undefined ? null : toReplay(row);
  }

  async open(): Promise<Replay[]> {
    const sql = `SELECT r.* FROM webhook_replays r JOIN webhook_endpoints e ON e.organization = r.organization AND e.id = r.endpoint_id
      WHERE r.done = 0 AND e.body IS NOT NULL ORDER BY r.created_at, r.id`;
    return reading(() => this.database.all<ReplayRow>(sql).map(toReplay));
  }

  async advance(replay: Replay, derived: Derived, done: boolean, now: Date): Promise<boolean> {
    return this.writes.run(() => {
      const sql = 'UPDATE webhook_replays SET position = ?, deliveries = deliveries + ?, done = ? WHERE id = ? AND position IS ?';
      const { from, to, deliveries, payloads } = derived;
      if (this.database.run(sql, to, deliveries.length, done ? 1 : 0, replay.id, from) === 0) return false;
      const endpoint = endpointNumber(this.database, replay);
      if (endpoint === undefined) return true;
      for (const payload of payloads) insertPayload(this.database, payload, now.getTime());
      for (const delivery of deliveries) {
        if (insertDelivery(this.database, endpoint, delivery, now.getTime())) continue;
        reviveDelivery(this.database, endpoint, delivery.id, now.getTime());
        if (delivery.contactId !== null) releaseNext(this.database, endpoint, delivery.contactId, now.getTime());
      }
      return true;
    });
  }
}

function toReplay({ organization, endpoint_id, since, until, topics, position, done, id, deliveries }: ReplayRow): Replay {
  return {
    id,
    organizationId: decodeOrganization(organization),
    endpointId: endpoint_id,
    since: new Date(since),
    until: new Date(until),
    topics: JSON.parse(topics) as string[],
    position: position === null ? null : String(position),
    deliveries,
    done: done === 1,
  };
}
