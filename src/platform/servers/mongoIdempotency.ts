// Idempotency keys in MongoDB: a document a key. Who inserts it or changes it as it was read has
// the reservation.

import { randomUUID } from 'node:crypto';
import type { Collection } from 'mongodb';
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
import { makeIndexes } from './mongoIndexes.js';
import { isDuplicateKey, type MongoConnection } from './mongoConnection.js';

interface RequestDocument extends ReservedIds {
  _id: string;
  fingerprint: string;
  /** Names the call that made the reservation, so that it knows it again when its answer was lost. */
  claim: string;
  takenOver: boolean;
  /** In ms since 1970. */
  createdAt: number;
  claimedAt: number;
  /** The answer as JSON; null: there is none as yet. */
  answer: string | null;
}

export class MongoIdempotencyStore implements IdempotencyStore {
  private readonly requests: Collection<RequestDocument>;

  constructor(private readonly connection: MongoConnection) {
    this.requests = connection.collection('idempotency');
  }

  /** Makes the indexes that `sweep` and `replaceAnswers` go by. */
  async prepare(): Promise<void> {
    await makeIndexes(this.connection, this.requests, [
      { name: 'by_age', key: { createdAt: 1 } },
      { name: 'by_aggregate', key: { aggregateId: 1 } },
    ]);
  }

  reserve(request: IdempotentRequest, proposed: ReservedIds, now: Date): Promise<Reservation> {
    const fresh: RequestDocument = {
      _id: idOf(request),
      fingerprint: request.fingerprint,
      ...proposed,
      claim: randomUUID(),
      takenOver: false,
      createdAt: now.getTime(),
      claimedAt: now.getTime(),
      answer: null,
    };
    return this.connection.run(async () => {
      for (;;) {
        const reservation = await this.attempt(fresh);
        if (reservation !== null) return reservation;
      }
    });
  }

  async answer(request: IdempotentRequest, answer: StoredAnswer): Promise<void> {
    await this.connection.run(() => this.requests.updateOne({ _id: idOf(request), answer: null }, { $set: { answer: JSON.stringify(answer) } }));
  }

  async release(request: IdempotentRequest, at: Date): Promise<void> {
    await this.connection.run(() => this.requests.deleteOne({ _id: idOf(request), claimedAt: at.getTime(), answer: null }));
  }

  async abandon(request: IdempotentRequest, at: Date): Promise<void> {
    await this.connection.run(() => this.requests.updateOne({ _id: idOf(request), claimedAt: at.getTime(), answer: null }, { $set: { claimedAt: 0 } }));
  }

  async replaceAnswers(organizationId: string, aggregateId: string, answer: StoredAnswer): Promise<void> {
    // The organization is what keys begin with; the same aggregate's id may be another organization's, too.
    const own = { $gte: idOf({ organizationId, key: '' }), $lt: `${encodeOrganization(organizationId)}0` };
    await this.connection.run(() => this.requests.updateMany({ aggregateId, _id: own }, { $set: { answer: JSON.stringify(answer) } }));
  }

  async sweep(now: Date): Promise<number> {
    const old = { createdAt: { $lt: now.getTime() - KEY_LIFETIME_MS } };
    return (await this.connection.run(() => this.requests.deleteMany(old))).deletedCount;
  }

  /** One look at the key and what follows from it; null when it changed meanwhile. */
  private async attempt(fresh: RequestDocument): Promise<Reservation | null> {
    const now = fresh.claimedAt;
    const found = await this.requests.findOne({ _id: fresh._id });
    if (found === null) return (await this.insert(fresh)) ? reserved(fresh) : null;
    if (found.claim === fresh.claim) return reserved(found);
    if (found.createdAt < now - KEY_LIFETIME_MS) return (await this.replace(found, fresh)) ? reserved(fresh) : null;
    if (found.fingerprint !== fresh.fingerprint) return { outcome: 'mismatch' };
    if (found.answer !== null) return { outcome: 'answered', answer: JSON.parse(found.answer) as StoredAnswer };
    if (found.claimedAt > now - ABANDONED_AFTER_MS) return { outcome: 'running' };
    const taken = { ...found, claim: fresh.claim, takenOver: true, claimedAt: now };
    return (await this.replace(found, taken)) ? reserved(taken) : null;
  }

  private async insert(fresh: RequestDocument): Promise<boolean> {
    try {
      await this.requests.insertOne(fresh);
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  /** Puts `next` in the place of `found`, if it still stands as it was read. */
  private async replace(found: RequestDocument, { _id, ...next }: RequestDocument): Promise<boolean> {
    const { claim, claimedAt, createdAt, answer } = found;
    return (await this.requests.replaceOne({ _id, claim, claimedAt, createdAt, answer }, next)).matchedCount === 1;
  }
}

function reserved({ aggregateId, eventId, takenOver }: RequestDocument): Reservation {
  return { outcome: 'reserved', ids: { aggregateId, eventId }, takenOver };
}

function idOf({ organizationId, key }: Pick<IdempotentRequest, 'organizationId' | 'key'>): string {
  return `${encodeOrganization(organizationId)}/${key}`;
}
