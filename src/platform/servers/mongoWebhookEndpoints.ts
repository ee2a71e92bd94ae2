// Webhook endpoints and their sealed secrets in MongoDB: a document each.

import { Binary, type Collection } from 'mongodb';
import { encodeOrganization } from '../../domain/streams.js';
import { SECRETS_MAX, type WebhookEndpoint } from '../../domain/webhookEndpoint.js';
import type { EventLog, Position } from '../../ports/eventLog.js';
import type { EndpointHealth, EndpointRef, RegisteredEndpoint, StoredSecret, WebhookEndpoints } from '../../ports/webhookEndpoints.js';
import { isDuplicateKey, type MongoConnection } from './mongoConnection.js';
import { makeIndexes } from './mongoIndexes.js';

export interface EndpointDocument {
  _id: string;
  organizationId: string;
  endpointId: string;
  revision: number;
  /** Null once it is deleted. */
  endpoint: WebhookEndpoint | null;
  enabled: boolean;
  highWater: Position;
  /** In ms since 1970; null: not failing, not paused. */
  failingSince: number | null;
  pausedUntil: number | null;
}

interface SecretsDocument {
  _id: string;
  version: number;
  /** The newest first. */
  secrets: { eventId: string; box: Binary; until: number | null }[];
}

/** Names an endpoint in other documents. */
export const endpointKey = ({ organizationId, endpointId }: EndpointRef): string => `${encodeOrganization(organizationId)}/${endpointId}`;

export const toDate = (ms: number | null): Date | null => (ms === null ? null : new Date(ms));

export class MongoWebhookEndpoints implements WebhookEndpoints {
  readonly endpoints: Collection<EndpointDocument>;
  private readonly secretsOf: Collection<SecretsDocument>;

  constructor(
    private readonly connection: MongoConnection,
    private readonly compare: EventLog['compare'],
  ) {
    this.endpoints = connection.collection('webhook_endpoints');
    this.secretsOf = connection.collection('webhook_secrets');
  }

  async prepare(): Promise<void> {
    await makeIndexes(this.connection, this.endpoints, [
      { name: 'by_organization', key: { organizationId: 1 } },
      { name: 'by_enabled', key: { enabled: 1, failingSince: 1 } },
    ]);
  }

  async list(organizationId: string): Promise<RegisteredEndpoint[]> {
    const found = await this.connection.run(() => this.endpoints.find({ organizationId }).toArray());
    const order = ({ endpoint }: RegisteredEndpoint) => `${endpoint.createdAt}/${endpoint.id}`;
    return found.flatMap((document) => toRegistered(document) ?? []).sort((a, b) => (order(a) < order(b) ? -1 : 1));
  }

  async find(ref: EndpointRef): Promise<RegisteredEndpoint | null> {
    const found = await this.connection.run(() => this.endpoints.findOne({ _id: endpointKey(ref) }));
    return found === null ? null : toRegistered(found);
  }

  async put(endpoint: WebhookEndpoint, revision: number, created: Position | null): Promise<void> {
    const ref = { organizationId: endpoint.organizationId, endpointId: endpoint.id };
    const enabled = endpoint.status === 'enabled';
    const known = await this.change(ref, revision, { endpoint, enabled }, enabled);
    if (!known && created !== null) {
      await this.insert({ ...fresh(ref, created), revision, endpoint, enabled });
      await this.change(ref, revision, { endpoint, enabled }, enabled);
    }
  }

  async remove(ref: EndpointRef, revision: number): Promise<void> {
    if (!(await this.change(ref, revision, { endpoint: null, enabled: false }, false))) {
      await this.insert({ ...fresh(ref, ''), revision, endpoint: null, enabled: false });
      await this.change(ref, revision, { endpoint: null, enabled: false }, false);
    }
    await this.connection.run(() => this.secretsOf.deleteOne({ _id: endpointKey(ref) }));
  }

  async failing(before: Date): Promise<EndpointRef[]> {
    const query = { enabled: true, failingSince: { $lte: before.getTime() } };
    const found = await this.connection.run(() => this.endpoints.find(query).toArray());
    return found.map(({ organizationId, endpointId }) => ({ organizationId, endpointId }));
  }

  addSecret(ref: EndpointRef, { eventId, box }: Omit<StoredSecret, 'until'>, overlapUntil: Date): Promise<StoredSecret> {
    return this.connection.run(async () => {
      for (;;) {
        const _id = endpointKey(ref);
        const found = await this.secretsOf.findOne({ _id });
        const same = found?.secrets.find((secret) => secret.eventId === eventId);
        if (same !== undefined) return toSecret(same);
        const earlier = (found?.secrets ?? []).map((secret) => ({ ...secret, until: secret.until ?? overlapUntil.getTime() }));
        const secrets = [{ eventId, box: new Binary(box), until: null }, ...earlier].slice(0, SECRETS_MAX);
        if (await this.replaceSecrets(found, { _id, version: (found?.version ?? 0) + 1, secrets })) return { eventId, box, until: null };
      }
    });
  }

  async secrets(ref: EndpointRef): Promise<StoredSecret[]> {
    const found = await this.connection.run(() => this.secretsOf.findOne({ _id: endpointKey(ref) }));
    return found?.secrets.map(toSecret) ?? [];
  }

  /** Moves the high-water positions of endpoints on to `to`. */
  async raise(refs: readonly EndpointRef[], to: Position): Promise<void> {
    if (refs.length === 0) return;
    await this.connection.run(async () => {
      const found = await this.endpoints.find({ _id: { $in: refs.map(endpointKey) } }).toArray();
      const lower = found.filter(({ highWater }) => highWater === '' || this.compare(highWater, to) < 0);
      await this.endpoints.updateMany({ _id: { $in: lower.map(({ _id }) => _id) } }, { $set: { highWater: to } });
    });
  }

  async setHealth(ref: EndpointRef, { failingSince, pausedUntil }: EndpointHealth): Promise<void> {
    const health = { failingSince: failingSince?.getTime() ?? null, pausedUntil: pausedUntil?.getTime() ?? null };
    await this.connection.run(() => this.endpoints.updateOne({ _id: endpointKey(ref) }, { $set: health }));
  }

  /** Whether the endpoint is shown, now as of `revision` or of a later one. One that is enabled again starts in good health. */
  private async change(ref: EndpointRef, revision: number, set: Pick<EndpointDocument, 'endpoint' | 'enabled'>, enabled: boolean): Promise<boolean> {
    const _id = endpointKey(ref);
    return this.connection.run(async () => {
      if (enabled) await this.endpoints.updateOne({ _id, revision: { $lt: revision }, enabled: false }, { $set: { failingSince: null, pausedUntil: null } });
      const changed = await this.endpoints.updateOne({ _id, revision: { $lt: revision } }, { $set: { ...set, revision } });
      return changed.matchedCount > 0 || (await this.endpoints.countDocuments({ _id })) > 0;
    });
  }

  private async insert(document: EndpointDocument): Promise<void> {
    await this.connection.run(async () => {
      try {
        await this.endpoints.insertOne(document);
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
    });
  }

  private async replaceSecrets(found: SecretsDocument | null, { _id, ...next }: SecretsDocument): Promise<boolean> {
    if (found !== null) return (await this.secretsOf.replaceOne({ _id, version: found.version }, next)).matchedCount === 1;
    try {
      await this.secretsOf.insertOne({ _id, ...next });
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }
}

function fresh({ organizationId, endpointId }: EndpointRef, highWater: Position) {
  const _id = endpointKey({ organizationId, endpointId });
  return { _id, organizationId, endpointId, highWater, failingSince: null, pausedUntil: null };
}

function toRegistered({ endpoint, revision, highWater, failingSince, pausedUntil }: EndpointDocument): RegisteredEndpoint | null {
  if (endpoint === null) return null;
  return { endpoint, revision, highWater, health: { failingSince: toDate(failingSince), pausedUntil: toDate(pausedUntil) } };
}

function toSecret({ eventId, box, until }: SecretsDocument['secrets'][number]): StoredSecret {
  return { eventId, box: Buffer.from(box.value()), until: toDate(until) };
}
