// What is kept in MongoDB beside read models: checkpoints and shared counters.

import type { Collection } from 'mongodb';
import type { Checkpoints } from '../../ports/checkpoints.js';
import type { SavedCounter, SharedCounters } from '../../ports/counterStore.js';
import type { Position } from '../../ports/eventLog.js';
import { makeIndexes } from './mongoIndexes.js';
import { isDuplicateKey, type MongoConnection } from './mongoConnection.js';

interface CheckpointDocument {
  _id: string;
  position: Position;
  fence: number;
}

export class MongoCheckpoints implements Checkpoints {
  private readonly checkpoints: Collection<CheckpointDocument>;

  constructor(private readonly connection: MongoConnection) {
    this.checkpoints = connection.collection('checkpoints');
  }

  async load(subscriber: string): Promise<Position | null> {
    const found = await this.connection.run(() => this.checkpoints.findOne({ _id: subscriber }));
    return found?.position ?? null;
  }

  async save(subscriber: string, position: Position, fence = 0): Promise<void> {
    await this.connection.run(async () => {
      const set = { $set: { position, fence } };
      const notOlder = { _id: subscriber, fence: { $lte: fence } };
      try {
        await this.checkpoints.updateOne(notOlder, set, { upsert: true });
      } catch (error) {
        // It is there: made at this moment by another, or saved under a newer lease, which stands.
        if (!isDuplicateKey(error)) throw error;
        await this.checkpoints.updateOne(notOlder, set);
      }
    });
  }
}

interface CounterDocument {
  _id: string;
  points: number;
  expiresAt: number;
}

/**
 * Counters need not survive a failover to the point, so one server's word is enough for them:
 * acknowledged by the primary alone.
 */
const LOOSE = { w: 1, journal: false } as const;

export class MongoCounters implements SharedCounters {
  private readonly counters: Collection<CounterDocument>;

  constructor(private readonly connection: MongoConnection) {
    this.counters = connection.collection('rate_limits');
  }

  /** Makes the index that `sweep` goes by. */
  async prepare(): Promise<void> {
    await makeIndexes(this.connection, this.counters, [{ name: 'by_end', key: { expiresAt: 1 } }]);
  }

  add(key: string, points: number, windowMs: number, now: Date): Promise<SavedCounter> {
    return this.connection.run(async () => {
      const added = (await this.addToWindow(key, points, now)) ?? (await this.beginWindow(key, points, windowMs, now)) ?? (await this.addToWindow(key, points, now));
      return { key, points: added?.points ?? points, expiresAt: added?.expiresAt ?? now.getTime() + windowMs };
    });
  }

  async sweep(now: Date): Promise<void> {
    await this.connection.run(() => this.counters.deleteMany({ expiresAt: { $lte: now.getTime() } }, { writeConcern: LOOSE }));
  }

  private addToWindow(key: string, points: number, now: Date): Promise<CounterDocument | null> {
    const running = { _id: key, expiresAt: { $gt: now.getTime() } };
    return this.counters.findOneAndUpdate(running, { $inc: { points } }, { returnDocument: 'after', writeConcern: LOOSE });
  }

  /** Null when another copy has begun the window. */
  private async beginWindow(key: string, points: number, windowMs: number, now: Date): Promise<CounterDocument | null> {
    const ended = { _id: key, expiresAt: { $lte: now.getTime() } };
    const begun = { $set: { points, expiresAt: now.getTime() + windowMs } };
    try {
      return await this.counters.findOneAndUpdate(ended, begun, { upsert: true, returnDocument: 'after', writeConcern: LOOSE });
    } catch (error) {
      if (isDuplicateKey(error)) return null;
      throw error;
    }
  }
}
