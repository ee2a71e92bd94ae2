// Leases in MongoDB: a document each, its `beat` raised by every renewal. A copy that wants a lease
// watches the beat; when it has stood still for the lease's duration, its holder is taken for dead.

import type { Collection } from 'mongodb';
import type { Leases } from '../../ports/leases.js';
import { isDuplicateKey, type MongoConnection } from './mongoConnection.js';

interface LeaseDocument {
  _id: string;
  /** Null once it was let go of. */
  holder: string | null;
  token: number;
  beat: number;
}

export class MongoLeases implements Leases {
  private readonly leases: Collection<LeaseDocument>;
  /** The last beat seen of another's lease, and when, in ms of this process. */
  private readonly watched = new Map<string, { beat: number; since: number }>();

  constructor(private readonly connection: MongoConnection) {
    this.leases = connection.collection('leases');
  }

  acquire(name: string, holder: string, durationMs: number): Promise<number | null> {
    return this.connection.run(async () => {
      const lease = await this.leases.findOne({ _id: name });
      if (lease === null) return this.found(name, holder);
      if (lease.holder === holder) return this.beat(lease, lease);
      if (lease.holder !== null && !this.stoodStill(lease, durationMs)) return null;
      this.watched.delete(name);
      return this.beat(lease, { holder, token: lease.token + 1 });
    });
  }

  async release(name: string, holder: string): Promise<void> {
    await this.connection.run(() => this.leases.updateOne({ _id: name, holder }, { $set: { holder: null }, $inc: { beat: 1 } }));
  }

  /** The first lease of its name; null when another copy was faster. */
  private async found(name: string, holder: string): Promise<number | null> {
    try {
      await this.leases.insertOne({ _id: name, holder, token: 1, beat: 1 });
      return 1;
    } catch (error) {
      if (isDuplicateKey(error)) return null;
      throw error;
    }
  }

  /** The token when the lease stood as it was read until this moment; null when another copy was faster. */
  private async beat({ _id, beat }: LeaseDocument, { holder, token }: Pick<LeaseDocument, 'holder' | 'token'>): Promise<number | null> {
    const taken = await this.leases.updateOne({ _id, beat }, { $set: { holder, token, beat: beat + 1 } });
    return taken.matchedCount === 1 ? token : null;
  }

  private stoodStill({ _id, beat }: LeaseDocument, durationMs: number): boolean {
    const seen = this.watched.get(_id);
    if (seen?.beat === beat) return performance.now() - seen.since >= durationMs;
    this.watched.set(_id, { beat, since: performance.now() });
    return false;
  }
}
