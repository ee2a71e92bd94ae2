// How webhook deliveries come into MongoDB, are settled, and let the next one about the same contact
// go. One write at a time within a process: the one that delivers. There is no transaction: each step
// can be done again, and the step that says it is done comes last.

import { Binary, type AnyBulkWriteOperation, type Collection, type Filter, type IndexDescription } from 'mongodb';
import { ATTEMPTS_KEPT, type Attempt, type DeliveryStatus, type NewDelivery, type Outcome, type Payload } from '../../ports/deliveryStore.js';
import type { EndpointRef } from '../../ports/webhookEndpoints.js';
import { isDuplicateKey, type MongoConnection } from './mongoConnection.js';
import { makeIndexes } from './mongoIndexes.js';
import { endpointKey, type MongoWebhookEndpoints } from './mongoWebhookEndpoints.js';

export interface AttemptDocument {
  at: number;
  ms: number;
  status: number | null;
  error: string | null;
  response: Binary | null;
}

export interface DeliveryDocument {
  _id: string;
  /** In the order of derivation. */
  number: number;
  endpoint: string;
  organizationId: string;
  eventId: string;
  topic: string;
  contactId: string | null;
  sequence: number | null;
  status: DeliveryStatus;
  tries: number;
  /** From when on it is ready, in ms since 1970; null: it waits, or is settled. */
  nextAt: number | null;
  createdAt: number;
  queuedAt: number;
  /** Not there before the first. */
  attempts?: AttemptDocument[];
}

export interface PayloadDocument {
  _id: string;
  organizationId: string;
  contactId: string | null;
  body: Binary;
  neededAt: number;
}

/** Most deliveries are settled, and kept for a month: those that are not have indexes of their own. */
const ofPending = { partialFilterExpression: { status: 'pending' } };

/** By which deliveries are found. */
export const deliveryIndexes: readonly IndexDescription[] = [
  { name: 'by_endpoint', key: { endpoint: 1, number: 1 } },
  { name: 'by_status', key: { endpoint: 1, status: 1, number: 1 } },
  { name: 'ready', key: { endpoint: 1, nextAt: 1, number: 1 }, partialFilterExpression: { nextAt: { $gt: 0 } } },
  { name: 'by_contact', key: { contactId: 1, endpoint: 1, status: 1, tries: 1, nextAt: 1, number: 1 } },
  { name: 'by_age', key: { createdAt: 1 } },
  { name: 'pending_by_time', key: { status: 1, nextAt: 1, endpoint: 1 }, ...ofPending },
  { name: 'pending_by_age', key: { status: 1, queuedAt: 1, endpoint: 1 }, ...ofPending },
  { name: 'pending_by_organization', key: { status: 1, organizationId: 1, queuedAt: 1, endpoint: 1 }, ...ofPending },
];

/** So few that the next are asked for before the server takes the cursor for forgotten. */
const RELEASED_AT_A_TIME = 1_000;

type AboutContact = Pick<DeliveryDocument, 'endpoint' | 'contactId'>;

type PendingAboutContact = AboutContact & Pick<DeliveryDocument, 'number' | 'tries'>;

const aboutKey = ({ endpoint, contactId }: AboutContact): string => `${endpoint}/${contactId}`;

export const payloadKey = ({ eventId, topic }: { eventId: string; topic: string }): string => `${eventId}/${topic}`;

export class MongoDeliveryWrites {
  readonly deliveries: Collection<DeliveryDocument>;
  readonly payloads: Collection<PayloadDocument>;
  private readonly numbers: Collection<{ _id: string; last: number }>;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    readonly connection: MongoConnection,
    readonly endpoints: MongoWebhookEndpoints,
  ) {
    this.deliveries = connection.collection('webhook_deliveries');
    this.payloads = connection.collection('webhook_payloads');
    this.numbers = connection.collection('numbers');
  }

  async prepare(): Promise<void> {
    await makeIndexes(this.connection, this.deliveries, deliveryIndexes);
    await makeIndexes(this.connection, this.payloads, [
      { name: 'by_contact', key: { contactId: 1 } },
      { name: 'by_age', key: { neededAt: 1 } },
    ]);
  }

  /** Carries out `work` when the write before it is done; tried again after a failure that may pass. */
  inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.turn.then(() => this.connection.run(work));
    this.turn = result.catch(() => undefined);
    return result;
  }

  /** Keeps deliveries that are not there, and makes ready what may be. */
  async insert(deliveries: readonly NewDelivery[], payloads: readonly Payload[], now: number): Promise<void> {
    await this.keepPayloads(payloads, now);
    if (deliveries.length === 0) return;
    const first = await this.takeNumbers(deliveries.length);
    const documents = deliveries.map((delivery, index) => toDocument(delivery, first + index, now));
    await this.upsert(this.deliveries, documents.map(({ _id, ...rest }) => ({ updateOne: { filter: { _id }, update: { $setOnInsert: rest }, upsert: true } })));
    await this.releaseAll(documents, now);
  }

  /** Keeps what became of tries; what was settled meanwhile stays as it is. */
  async settle(outcomes: readonly Outcome[], now: number): Promise<void> {
    const updates = outcomes.map(({ id, attempt, next }): AnyBulkWriteOperation<DeliveryDocument> => {
      const set = { status: next.status, nextAt: next.status === 'pending' ? next.at.getTime() : null };
      if (attempt === null) return { updateOne: { filter: { _id: id, status: 'pending' }, update: { $set: set } } };
      const tried = { $set: set, $inc: { tries: 1 }, $push: { attempts: toAttemptDocument(attempt) } };
      // A write whose answer was lost is made again: the attempt is then there.
      return { updateOne: { filter: { _id: id, status: 'pending', 'attempts.at': { $ne: attempt.at.getTime() } }, update: tried } };
    });
    await this.deliveries.bulkWrite(updates, { ordered: true });
    for (const { health, ...ref } of outcomes) if (health !== null) await this.endpoints.setHealth(ref, health);
    const settled = outcomes.map(({ contactId, ...ref }) => ({ endpoint: endpointKey(ref), contactId }));
    await this.releaseAll(settled, now);
  }

  /** Makes a delivery pending again, unless it is or its contact was erased; how it stands, null when it is not there. */
  async revive(ref: EndpointRef, id: string, now: number): Promise<DeliveryStatus | null> {
    const found = await this.deliveries.findOne({ _id: id, endpoint: endpointKey(ref) });
    // One that was cut short, or whose answer was lost, has left it pending: what comes after that is done again.
    if (found?.status === 'pending') await this.releaseAll([found], now);
    if (found === null || found.status === 'pending' || found.status === 'erased') return found?.status ?? null;
    const kept = await this.payloads.updateOne({ _id: payloadKey(found) }, { $set: { neededAt: now } });
    // A payload is kept as long as its deliveries are, but for an erasure.
    if (kept.matchedCount === 0 && found.contactId !== null) return 'erased';
    const set = { status: 'pending' as const, tries: 0, nextAt: null, queuedAt: now, attempts: (found.attempts ?? []).slice(-ATTEMPTS_KEPT) };
    await this.deliveries.updateOne({ _id: id, status: found.status }, { $set: set });
    await this.releaseAll([found], now);
    return 'pending';
  }

  /** Makes ready what waits behind nothing. A process that died may have left some. */
  async releaseWaiting(now: number): Promise<void> {
    const waiting = this.deliveries.find({ status: 'pending', nextAt: null }, { projection: { endpoint: 1, contactId: 1 }, batchSize: RELEASED_AT_A_TIME });
    const about = new Map<string, AboutContact>();
    for await (const one of waiting) {
      about.set(aboutKey(one), one);
      if (about.size < RELEASED_AT_A_TIME) continue;
      await this.releaseAll([...about.values()], now);
      about.clear();
    }
    await this.releaseAll([...about.values()], now);
  }

  /** For each contact, makes the first delivery that waits ready, when none is in its way. */
  private async releaseAll(about: readonly AboutContact[], now: number): Promise<void> {
    if (about.length === 0) return;
    const endpoints = [...new Set(about.map(({ endpoint }) => endpoint))];
    const contacts = [...new Set(about.map(({ contactId }) => contactId))];
    const set = { $set: { nextAt: now } };
    const of: Filter<DeliveryDocument> = { endpoint: { $in: endpoints }, status: 'pending' };
    // A test is about nobody: none waits for another.
    if (contacts.includes(null)) await this.deliveries.updateMany({ ...of, contactId: null, nextAt: null }, set);
    const aboutThem: Filter<DeliveryDocument> = { ...of, contactId: { $in: contacts.filter((contactId) => contactId !== null) } };
    const waiting = await this.byContact({ ...aboutThem, nextAt: null });
    if (waiting.length === 0) return;
    const ordered = await this.orderedOf(endpoints);
    const ready = new Map((await this.byContact({ ...aboutThem, nextAt: { $gt: 0 } })).map((one) => [aboutKey(one), one]));
    const isFree = (one: PendingAboutContact): boolean => {
      const before = ready.get(aboutKey(one));
      return before === undefined || (!ordered.has(one.endpoint) && before.tries > 0);
    };
    const first = waiting.filter(isFree).map(({ number }) => number);
    if (first.length > 0) await this.deliveries.updateMany({ ...of, number: { $in: first }, nextAt: null }, set);
  }

  /** Of some deliveries, by endpoint and contact: the first one's number, and how often that which was tried least was tried. */
  private async byContact(query: Filter<DeliveryDocument>): Promise<PendingAboutContact[]> {
    const found = this.deliveries.find(query, { projection: { endpoint: 1, contactId: 1, number: 1, tries: 1 } });
    const first = new Map<string, PendingAboutContact>();
    for await (const { endpoint, contactId, number, tries } of found) {
      const known = first.get(aboutKey({ endpoint, contactId })) ?? { number, tries };
      first.set(aboutKey({ endpoint, contactId }), { endpoint, contactId, number: Math.min(number, known.number), tries: Math.min(tries, known.tries) });
    }
    return [...first.values()];
  }

  /** Which of the endpoints are ordered. */
  private async orderedOf(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const found = await this.endpoints.endpoints.find({ _id: { $in: ids }, 'endpoint.ordered': true }, { projection: { _id: 1 } }).toArray();
    return new Set(found.map(({ _id }) => _id));
  }

  async keepPayloads(payloads: readonly Payload[], now: number): Promise<void> {
    if (payloads.length === 0) return;
    const upserts = payloads.map(({ organizationId, contactId, body, ...of }): AnyBulkWriteOperation<PayloadDocument> => {
      const update = { $setOnInsert: { organizationId, contactId, body: new Binary(body) }, $set: { neededAt: now } };
      return { updateOne: { filter: { _id: payloadKey(of) }, update, upsert: true } };
    });
    await this.upsert(this.payloads, upserts);
  }

  /** Two upserts of the same document may meet; the second time it is there. */
  private async upsert<Shape extends { _id: string }>(collection: Collection<Shape>, upserts: AnyBulkWriteOperation<Shape>[]): Promise<void> {
    try {
      await collection.bulkWrite(upserts, { ordered: false });
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      await collection.bulkWrite(upserts, { ordered: false });
    }
  }

  /** The first of `count` numbers that nobody else gets. */
  private async takeNumbers(count: number): Promise<number> {
    const taken = await this.numbers.findOneAndUpdate({ _id: 'webhook_deliveries' }, { $inc: { last: count } }, { upsert: true, returnDocument: 'after' });
    return (taken?.last ?? count) - count + 1;
  }
}

function toDocument({ id, eventId, topic, contactId, sequence, erased, ...ref }: NewDelivery, number: number, now: number): DeliveryDocument {
  return {
    _id: id,
    number,
    endpoint: endpointKey(ref),
    organizationId: ref.organizationId,
    eventId,
    topic,
    contactId,
    sequence,
    status: erased ? 'erased' : 'pending',
    tries: 0,
    nextAt: null,
    createdAt: now,
    queuedAt: now,
  };
}

function toAttemptDocument({ at, durationMs, status, error, response }: Attempt): AttemptDocument {
  return { at: at.getTime(), ms: durationMs, status, error, response: response === null ? null : new Binary(response) };
}
