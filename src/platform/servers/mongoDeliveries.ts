// Webhook deliveries in MongoDB.

import type { Collection, Filter } from 'mongodb';
import { ATTEMPTS_KEPT, type DeliveryPage, type DeliveryQuery, type DeliveryStatus, type DeliveryStore, type Derived, type DueDelivery, type NewDelivery, type Outcome, type Payload, type QueueStatistics } from '../../ports/deliveryStore.js';
import type { Position } from '../../ports/eventLog.js';
import type { EndpointRef } from '../../ports/webhookEndpoints.js';
import { atMost, isDuplicateKey, type MongoConnection } from './mongoConnection.js';
import { payloadKey, type AttemptDocument, type DeliveryDocument, type MongoDeliveryWrites } from './mongoDeliveryWrites.js';
import { endpointKey, toDate, type EndpointDocument, type MongoWebhookEndpoints } from './mongoWebhookEndpoints.js';

/** Where derivation stands: state of its own, which only the holder of the lease moves. */
interface DerivationDocument {
  _id: string;
  position: Position;
}

const DERIVATION = 'webhooks';

export class MongoDeliveryStore implements DeliveryStore {
  private readonly derivations: Collection<DerivationDocument>;
  private readonly deliveries: Collection<DeliveryDocument>;

  constructor(
    private readonly connection: MongoConnection,
    private readonly endpoints: MongoWebhookEndpoints,
    private readonly writes: MongoDeliveryWrites,
  ) {
    this.derivations = connection.collection('webhook_derivations');
    this.deliveries = writes.deliveries;
  }

  async checkpoint(): Promise<Position | null> {
    return (await this.connection.run(() => this.derivations.findOne({ _id: DERIVATION })))?.position ?? null;
  }

  async derive({ from, to, deliveries, payloads, considered }: Derived, now: Date): Promise<boolean> {
    return this.writes.inTurn(async () => {
      const position = (await this.derivations.findOne({ _id: DERIVATION }))?.position ?? null;
      if (position === to && from !== to) return true;
      if (position !== from) return false;
      await this.writes.insert(deliveries, payloads, now.getTime());
      await this.endpoints.raise(considered, to);
      return this.moveTo(from, to);
    });
  }

  async recover(now: Date): Promise<void> {
    await this.writes.inTurn(() => this.writes.releaseWaiting(now.getTime()));
  }

  async add(delivery: NewDelivery, payload: Payload, now: Date): Promise<void> {
    await this.writes.inTurn(() => this.writes.insert([delivery], [payload], now.getTime()));
  }

  async agenda(): Promise<(EndpointRef & { at: Date })[]> {
    return this.connection.run(async () => {
      // That they are pending is said for the index: it begins with it.
      const busy = await this.deliveries.distinct('endpoint', { status: 'pending', nextAt: { $gt: 0 } });
      const enabled = await this.endpoints.endpoints.find({ _id: { $in: busy }, enabled: true }).toArray();
      const agenda = await Promise.all(enabled.map((endpoint) => this.nextOf(endpoint)));
      return agenda.flatMap((next) => next ?? []);
    });
  }

  async due(ref: EndpointRef, now: Date, limit: number): Promise<DueDelivery[]> {
    const endpoint = endpointKey(ref);
    return this.connection.run(async () => {
      const query = { endpoint, nextAt: { $gt: 0, $lte: now.getTime() } };
      const found = await this.deliveries.find(query, { projection: { attempts: 0 } }).sort({ nextAt: 1, number: 1 }).limit(limit).toArray();
      const first = await this.withoutBlocked(endpoint, found);
      return first.map(({ _id, eventId, topic, contactId, sequence, tries }) => ({ ...ref, id: _id, eventId, topic, contactId, sequence, tries }));
    });
  }

  async payload(delivery: Pick<DueDelivery, 'eventId' | 'topic'>): Promise<Buffer | null> {
    const found = await this.connection.run(() => this.writes.payloads.findOne({ _id: payloadKey(delivery) }));
    return found === null ? null : Buffer.from(found.body.value());
  }

  async record(outcomes: readonly Outcome[], now: Date): Promise<void> {
    if (outcomes.length > 0) await this.writes.inTurn(() => this.writes.settle(outcomes, now.getTime()));
  }

  async list(ref: EndpointRef, { status, limit, after }: DeliveryQuery): Promise<DeliveryPage> {
    const query: Filter<DeliveryDocument> = {
      endpoint: endpointKey(ref),
      ...(status === null ? {} : { status }),
      ...(after === null ? {} : { number: { $lt: after } }),
    };
    const found = await this.connection.run(() => this.deliveries.find(query).sort({ number: -1 }).limit(limit + 1).toArray());
    const items = found.slice(0, limit).map(({ _id, eventId, topic, contactId, status: now, attempts, nextAt }) => ({
      id: _id,
      eventId,
      topic,
      contactId,
      status: now,
      attempts: (attempts ?? []).slice(-ATTEMPTS_KEPT).map(toAttempt),
      nextAttemptAt: toDate(nextAt),
    }));
    return { items, next: found.length > limit ? (found[limit - 1]?.number ?? null) : null };
  }

  retry(ref: EndpointRef, id: string, now: Date): Promise<DeliveryStatus | null> {
    return this.writes.inTurn(() => this.writes.revive(ref, id, now.getTime()));
  }

  async erase({ organizationId, contactId }: { organizationId: string; contactId: string }): Promise<void> {
    await this.connection.run(async () => {
      await this.deliveries.updateMany({ organizationId, contactId, status: 'pending' }, { $set: { status: 'erased', nextAt: null } });
      await this.writes.payloads.deleteMany({ organizationId, contactId });
    });
  }

  async sweep(before: Date): Promise<number> {
    return this.connection.run(async () => {
      const unused = await this.endpoints.endpoints.find({ enabled: false }, { projection: { _id: 1 } }).toArray();
      const idle = { endpoint: { $in: unused.map(({ _id }) => _id) } };
      const old = { createdAt: { $lt: before.getTime() }, queuedAt: { $lt: before.getTime() } };
      const settled = await this.deliveries.deleteMany({ ...old, status: { $ne: 'pending' } });
      const left = await this.deliveries.deleteMany({ ...old, ...idle });
      await this.writes.payloads.deleteMany({ neededAt: { $lt: before.getTime() } });
      return settled.deletedCount + left.deletedCount;
    });
  }

  async statistics(limit: number): Promise<QueueStatistics> {
    return this.connection.run(async () => {
      const unused = await this.endpoints.endpoints.find({ enabled: false }, { projection: { _id: 1 } }).toArray();
      const waiting = { status: 'pending' as const, endpoint: { $nin: unused.map(({ _id }) => _id) } };
      const counted = await this.deliveries.aggregate<{ _id: string; pending: number }>([{ $match: waiting }, { $group: { _id: '$organizationId', pending: { $sum: 1 } } }], atMost).toArray();
      const longest = counted.sort((a, b) => b.pending - a.pending).slice(0, limit);
      const oldest = async (query: Filter<DeliveryDocument>) =>
        toDate((await this.deliveries.find({ ...waiting, ...query }, atMost).sort({ queuedAt: 1 }).limit(1).toArray())[0]?.queuedAt ?? null);
      const organizations = await Promise.all(
        longest.map(async ({ _id, pending }) => ({ organizationId: _id, pending, oldestAt: await oldest({ organizationId: _id }) })),
      );
      return { pending: counted.reduce((sum, { pending }) => sum + pending, 0), oldestAt: await oldest({}), organizations };
    });
  }

  async pending(ref: EndpointRef, limit: number): Promise<number> {
    if (limit === 0) return 0;
    return this.connection.run(() => this.deliveries.countDocuments({ endpoint: endpointKey(ref), status: 'pending' }, { limit }));
  }

  private async moveTo(from: Position | null, to: Position): Promise<boolean> {
    if (from !== null) return (await this.derivations.updateOne({ _id: DERIVATION, position: from }, { $set: { position: to } })).matchedCount === 1;
    try {
      await this.derivations.insertOne({ _id: DERIVATION, position: to });
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  private async nextOf({ _id, organizationId, endpointId, pausedUntil }: EndpointDocument): Promise<(EndpointRef & { at: Date }) | null> {
    const [next] = await this.deliveries.find({ endpoint: _id, nextAt: { $gt: 0 } }).sort({ nextAt: 1 }).limit(1).toArray();
    if (next === undefined) return null;
    return { organizationId, endpointId, at: new Date(Math.max(next.nextAt ?? 0, pausedUntil ?? 0)) };
  }

  /** For an ordered endpoint, only those that no earlier one about the same contact is in the way of: it may not have been ordered before. */
  private async withoutBlocked(endpoint: string, found: DeliveryDocument[]): Promise<DeliveryDocument[]> {
    const ordered = await this.endpoints.endpoints.findOne({ _id: endpoint, 'endpoint.ordered': true }, { projection: { _id: 1 } });
    if (ordered === null || found.length === 0) return found;
    const contactId = { $in: found.map((document) => document.contactId) };
    const ready = await this.deliveries.find({ endpoint, contactId, status: 'pending', nextAt: { $gt: 0 } }, { projection: { contactId: 1, number: 1 } }).toArray();
    return found.filter((one) => one.contactId === null || !ready.some((other) => other.contactId === one.contactId && other.number < one.number));
  }
}

function toAttempt({ at, ms, status, error, response }: AttemptDocument) {
  return { at: new Date(at), durationMs: ms, status, error, response: response === null ? null : Buffer.from(response.value()) };
}
