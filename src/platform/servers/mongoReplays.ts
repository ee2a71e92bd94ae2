// Replays of webhook deliveries in MongoDB.

import type { Collection, IndexDescription } from 'mongodb';
import type { Derived } from '../../ports/deliveryStore.js';
import type { Position } from '../../ports/eventLog.js';
import type { Replay, ReplayStore } from '../../ports/replayStore.js';
import type { EndpointRef } from '../../ports/webhookEndpoints.js';
import { isDuplicateKey, type MongoConnection } from './mongoConnection.js';
import { makeIndexes } from './mongoIndexes.js';
import type { MongoDeliveryWrites } from './mongoDeliveryWrites.js';
import { endpointKey } from './mongoWebhookEndpoints.js';

interface ReplayDocument extends EndpointRef {
  _id: string;
  endpoint: string;
  since: number;
  until: number;
  topics: string[];
  position: Position | null;
  deliveries: number;
  done: boolean;
  createdAt: number;
}

/** Those that go on are looked for over and over. */
export const replayIndexes: readonly IndexDescription[] = [{ name: 'open', key: { done: 1, createdAt: 1, _id: 1 }, partialFilterExpression: { done: false } }];

export class MongoReplayStore implements ReplayStore {
  private readonly replays: Collection<ReplayDocument>;

  constructor(
    private readonly connection: MongoConnection,
    private readonly writes: MongoDeliveryWrites,
  ) {
    this.replays = connection.collection('webhook_replays');
  }

  async prepare(): Promise<void> {
    await makeIndexes(this.connection, this.replays, replayIndexes);
  }

  async start({ id, since, until, topics, ...replay }: Replay, now: Date): Promise<void> {
    const times = { since: since.getTime(), until: until.getTime(), createdAt: now.getTime() };
    const document: ReplayDocument = { _id: id, ...replay, ...times, endpoint: endpointKey(replay), topics: [...topics], position: null, deliveries: 0, done: false };
    await this.connection.run(async () => {
      try {
        await this.replays.insertOne(document);
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
    });
  }

  async find(ref: EndpointRef, id: string): Promise<Replay | null> {
    const found = await this.connection.run(() => this.replays.findOne({ _id: id, endpoint: endpointKey(ref) }));
    return found === null ? null : toReplay(found);
  }

  async open(): Promise<Replay[]> {
    return this.connection.run(async () => {
      const found = await this.replays.find({ done: false }).sort({ createdAt: 1, _id: 1 }).toArray();
      if (found.length === 0) return [];
      const there = await this.writes.endpoints.endpoints.find({ _id: { $in: found.map(({ endpoint }) => endpoint) }, endpoint: { $ne: null } }).toArray();
      const known = new Set(there.map(({ _id }) => _id));
      return found.filter(({ endpoint }) => known.has(endpoint)).map(toReplay);
    });
  }

  async advance(replay: Replay, { from, to, deliveries, payloads }: Derived, done: boolean, now: Date): Promise<boolean> {
    return this.writes.inTurn(async () => {
      if ((await this.replays.findOne({ _id: replay.id, position: from })) === null) return false;
      await this.writes.keepPayloads(payloads, now.getTime());
      for (const { id } of deliveries) await this.writes.revive(replay, id, now.getTime());
      await this.writes.insert(deliveries, [], now.getTime());
      const move = { $set: { position: to, done }, $inc: { deliveries: deliveries.length } };
      return (await this.replays.updateOne({ _id: replay.id, position: from }, move)).matchedCount === 1;
    });
  }
}

function toReplay({ _id, organizationId, endpointId, since, until, topics, position, deliveries, done }: ReplayDocument): Replay {
  return { id: _id, organizationId, endpointId, since: new Date(since), until: new Date(until), topics, position, deliveries, done };
}
