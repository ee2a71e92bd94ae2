// What is kept beside events and read models: checkpoints, idempotency keys, rate-limit counters.

import type { Checkpoints } from '../../ports/checkpoints.js';
import type { CounterStore, SavedCounter } from '../../ports/counterStore.js';
import type { Position } from '../../ports/eventLog.js';
import {
  ABANDONED_AFTER_MS,
  KEY_LIFETIME_MS,
  type IdempotencyStore,
  type IdempotentRequest,
  type Reservation,
  type ReservedIds,
  type StoredAnswer,
} from '../../ports/idempotencyStore.js';
import { encodeOrganization } from '../../domain/streams.js';
import { reading, type Database } from './database.js';
import type { GroupCommit } from './groupCommit.js';

export class SqliteCheckpoints implements Checkpoints {
  constructor(
    private readonly database: Database,
    private readonly writes: GroupCommit,
  ) {}

  async load(subscriber: string): Promise<Position | null> {
    const sql = 'SELECT position FROM checkpoints WHERE subscriber = ?';
    const row = await reading(() => this.database.get<{ position: number | string }>(sql, subscriber));
    return row === undefined ? null : String(row.position);
  }

  async save(subscriber: string, position: Position): Promise<void> {
    const sql = 'INSERT OR REPLACE INTO checkpoints (subscriber, position) VALUES (?, ?)';
    await this.writes.run(() => this.database.run(sql, subscriber, position));
  }
}

interface IdempotencyRow {
  fingerprint: string;
  aggregate_id: string;
  event_id: string;
  created_at: number;
  claimed_at: number;
  answer: string | null;
}

export class SqliteIdempotencyStore implements IdempotencyStore {
  constructor(
    private readonly database: Database,
    private readonly writes: GroupCommit,
  ) {}

  async reserve(request: IdempotentRequest, proposed: ReservedIds, now: Date): Promise<Reservation> {
    return this.writes.run(() => this.reserveNow(request, proposed, now.getTime()));
  }

  async answer({ organizationId, key }: IdempotentRequest, answer: StoredAnswer): Promise<void> {
    const sql = 'UPDATE idempotency SET answer = ? WHERE organization = ? AND key = ? AND answer IS NULL';
    await this.writes.run(() => this.database.run(sql, JSON.stringify(answer), encodeOrganization(organizationId), key));
  }

  async release({ organizationId, key }: IdempotentRequest, at: Date): Promise<void> {
    const sql = 'DELETE FROM idempotency WHERE organization = ? AND key = ? AND claimed_at = ? AND answer IS NULL';
    await this.writes.run(() => this.database.run(sql, encodeOrganization(organizationId), key, at.getTime()));
  }

  async abandon({ organizationId, key }: IdempotentRequest, at: Date): Promise<void> {
    const sql = 'UPDATE idempotency SET claimed_at = 0 WHERE organization = ? AND key = ? AND claimed_at = ? AND answer IS NULL';
    await this.writes.run(() => this.database.run(sql, encodeOrganization(organizationId), key, at.getTime()));
  }

  async replaceAnswers(organizationId: string, aggregateId: string, answer: StoredAnswer): Promise<void> {
    const sql = 'UPDATE idempotency SET answer = ? WHERE organization = ? AND aggregate_id = ?';
    await this.writes.run(() => this.database.run(sql, JSON.stringify(answer), encodeOrganization(organizationId), aggregateId));
  }

  async sweep(now: Date): Promise<number> {
    const sql = 'DELETE FROM idempotency WHERE created_at < ?';
    return this.writes.run(() => this.database.run(sql, now.getTime() - KEY_LIFETIME_MS));
  }

  private reserveNow(request: IdempotentRequest, proposed: ReservedIds, now: number): Reservation {
    const values = [encodeOrganization(request.organizationId), request.key] as const;
    const sql = 'SELECT * FROM idempotency WHERE organization = ? AND key = ?';
    const row = this.database.get<IdempotencyRow>(sql, ...values);
    if (row === undefined || row.created_at < now - KEY_LIFETIME_MS) {
      this.database.run(
        'INSERT OR REPLACE INTO idempotency VALUES (?, ?, ?, ?, ?, ?, ?, NULL)',
        ...values,
        request.fingerprint,
        proposed.aggregateId,
        proposed.eventId,
        now,
        now,
      );
      return { outcome: 'reserved', ids: proposed, takenOver: false };
    }
    if (row.fingerprint !== request.fingerprint) return { outcome: 'mismatch' };
    if (row.answer !== null) return { outcome: 'answered', answer: JSON.parse(row.answer) as StoredAnswer };
    if (row.claimed_at > now - ABANDONED_AFTER_MS) return { outcome: 'running' };
    this.database.run('UPDATE idempotency SET claimed_at = ? WHERE organization = ? AND key = ?', now, ...values);
    return { outcome: 'reserved', ids: { aggregateId: row.aggregate_id, eventId: row.event_id }, takenOver: true };
  }
}

export class SqliteCounterStore implements CounterStore {
  constructor(
    private readonly database: Database,
    private readonly writes: GroupCommit,
  ) {}

  async load(now: Date): Promise<SavedCounter[]> {
    const sql = 'SELECT key, points, expires_at AS expiresAt FROM rate_limits WHERE expires_at > ?';
    return reading(() => this.database.all<SavedCounter>(sql, now.getTime()));
  }

  async save(counters: readonly SavedCounter[]): Promise<void> {
    await this.writes.run(() => {
      this.database.run('DELETE FROM rate_limits');
      const sql = 'INSERT INTO rate_limits (key, points, expires_at) VALUES (?, ?, ?)';
      for (const { key, points, expiresAt } of counters) this.database.run(sql, key, points, expiresAt);
    });
  }
}
