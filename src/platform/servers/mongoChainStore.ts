// The chains of events in MongoDB. There is no transaction: links beyond the checkpoint do not count
// and are written over; the ends of the last step stand in the checkpoint's own document, and are
// laid where they are found by later.

import type { Collection } from 'mongodb';
import { encodeOrganization } from '../../domain/streams.js';
import type { ChainEnd, ChainStep, ChainStore, Link, SignedHead } from '../../ports/chainStore.js';
import type { Position } from '../../ports/eventLog.js';
import { isDuplicateKey, type MongoConnection } from './mongoConnection.js';
import { makeIndexes } from './mongoIndexes.js';

const CHECKPOINT = 'audit';

interface LinkDocument extends Omit<Link, 'number'> {
  _id: number;
}

interface EndDocument extends ChainEnd {
  /** The organization as it stands in names: they sort by it. */
  _id: string;
}

interface CheckpointDocument {
  _id: string;
  position: Position;
  links: number;
  ends: ChainEnd[];
}

export class MongoChainStore implements ChainStore {
  readonly linksAtOnce = false;
  private readonly linksOf: Collection<LinkDocument>;
  private readonly endsOf: Collection<EndDocument>;
  private readonly checkpoints: Collection<CheckpointDocument>;

  constructor(private readonly connection: MongoConnection) {
    this.linksOf = connection.collection('chain_links');
    this.endsOf = connection.collection('chain_ends');
    this.checkpoints = connection.collection('chain_checkpoints');
  }

  async prepare(): Promise<void> {
    await makeIndexes(this.connection, this.linksOf, [{ name: 'by_organization', key: { organizationId: 1, sequence: 1 } }]);
    await makeIndexes(this.connection, this.endsOf, [{ name: 'by_uncovered', key: { uncoveredSince: 1 } }]);
  }

  /** Others may write to the log at any time. */
  async stranger(): Promise<null> {
    return null;
  }

  async checkpoint(): Promise<{ position: Position | null; links: number }> {
    const found = await this.connection.run(() => this.settled());
    return { position: found?.position ?? null, links: found?.links ?? 0 };
  }

  async append({ from, to, links, ends }: ChainStep): Promise<boolean> {
    return this.connection.run(async () => {
      const found = await this.settled();
      // The answer to the same step was lost.
      if (found?.position === to && from !== to) return true;
      if ((found?.position ?? null) !== from) return false;
      const writes = links.map(({ number, ...link }) => ({ replaceOne: { filter: { _id: number }, replacement: link, upsert: true } }));
      if (writes.length > 0) await this.linksOf.bulkWrite(writes, { ordered: false });
      const next = { position: to, links: (found?.links ?? 0) + links.length, ends: [...ends] };
      return this.moveTo(from, next);
    });
  }

  async end(organizationId: string): Promise<ChainEnd | null> {
    return this.connection.run(async () => {
      await this.settled();
      const found = await this.endsOf.findOne({ _id: encodeOrganization(organizationId) });
      return found === null ? null : toEnd(found);
    });
  }

  async ends(after: string | null, limit: number): Promise<ChainEnd[]> {
    const query = after === null ? {} : { _id: { $gt: encodeOrganization(after) } };
    return this.connection.run(async () => {
      await this.settled();
      return (await this.endsOf.find(query).sort({ _id: 1 }).limit(limit).toArray()).map(toEnd);
    });
  }

  async due(before: Date, limit: number): Promise<ChainEnd[]> {
    return this.connection.run(async () => {
      await this.settled();
      const query = { uncoveredSince: { $gt: 0, $lte: before.getTime() } };
      return (await this.endsOf.find(query).sort({ uncoveredSince: 1 }).limit(limit).toArray()).map(toEnd);
    });
  }

  async link(organizationId: string, sequence: number): Promise<Link | null> {
    return this.connection.run(async () => {
      const counted = (await this.settled())?.links ?? 0;
      const found = await this.linksOf.findOne({ organizationId, sequence, _id: { $lte: counted } });
      return found === null ? null : toLink(found);
    });
  }

  async links(after: number, limit: number): Promise<Link[]> {
    return this.connection.run(async () => {
      const counted = (await this.settled())?.links ?? 0;
      return (await this.linksOf.find({ _id: { $gt: after, $lte: counted } }).sort({ _id: 1 }).limit(limit).toArray()).map(toLink);
    });
  }

  async resign({ organizationId, sequence, at, signature, keyFingerprint }: SignedHead): Promise<void> {
    await this.connection.run(async () => {
      await this.settled();
      await this.endsOf.updateOne({ _id: encodeOrganization(organizationId), sequence }, { $set: { at, signature, keyFingerprint } });
    });
  }

  /** The checkpoint, the ends that came with it laid where they belong. */
  private async settled(): Promise<CheckpointDocument | null> {
    const found = await this.checkpoints.findOne({ _id: CHECKPOINT });
    await Promise.all((found?.ends ?? []).map((end) => this.put(end)));
    if (found !== null && found.ends.length > 0) await this.checkpoints.updateOne({ _id: CHECKPOINT, position: found.position }, { $set: { ends: [] } });
    return found;
  }

  /** Lays an end, unless a later one is there. */
  private async put(end: ChainEnd): Promise<void> {
    const _id = encodeOrganization(end.organizationId);
    const { matchedCount } = await this.endsOf.updateOne({ _id, sequence: { $lt: end.sequence } }, { $set: end });
    if (matchedCount > 0) return;
    try {
      await this.endsOf.insertOne({ _id, ...end });
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
  }

  private async moveTo(from: Position | null, next: Omit<CheckpointDocument, '_id'>): Promise<boolean> {
    if (from !== null) return (await this.checkpoints.updateOne({ _id: CHECKPOINT, position: from }, { $set: next })).matchedCount === 1;
    try {
      await this.checkpoints.insertOne({ _id: CHECKPOINT, ...next });
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }
}

const toEnd = ({ _id: _, ...end }: EndDocument): ChainEnd => end;
const toLink = ({ _id, ...link }: LinkDocument): Link => ({ number: _id, ...link });
