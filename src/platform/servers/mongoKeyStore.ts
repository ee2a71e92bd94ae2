// The key store in MongoDB: each contact's key wrapped, null once destroyed. Nothing of it is
// remembered: another copy may destroy a key at any moment, and must be heeded at once.

import { Binary, type Collection } from 'mongodb';
import type { KeyObject } from 'node:crypto';
import { KeyDestroyedError, type AdoptedKey, type KeyStore, type KeySubject, type StoredKey } from '../../ports/keyStore.js';
import { subjectName, subjectNamed, type KeyWrapping } from '../wrapping.js';
import { isDuplicateKey, oneOf, type MongoConnection } from './mongoConnection.js';
import { makeIndexes } from './mongoIndexes.js';

interface KeyDocument {
  _id: string;
  wrapped: Binary | null;
  /** The fingerprint of the wrapping key; null once destroyed. */
  wrappedBy: string | null;
}

interface CheckDocument {
  /** The fingerprint of the wrapping key. */
  _id: string;
  box: Binary;
}

export class MongoKeyStore implements KeyStore {
  private readonly keys: Collection<KeyDocument>;

  constructor(
    private readonly connection: MongoConnection,
    private readonly wrapping: KeyWrapping,
  ) {
    this.keys = connection.collection('keys');
  }

  /** Notes the wrapping key in a new store. @throws WrongWrappingKeyError when the keys were wrapped with another */
  async prepare(): Promise<void> {
    const checks = this.checks();
    const known = await this.connection.run(() => checks.find().toArray());
    this.wrapping.verify(known.map(({ _id }) => _id));
    await makeIndexes(this.connection, this.keys, [{ name: 'wrappedBy_1', key: { wrappedBy: 1 } }]);
    const { fingerprint, box } = this.wrapping.check();
    const check = { _id: fingerprint, box: new Binary(box) };
    await this.connection.run(() => checks.replaceOne({ _id: fingerprint }, check, { upsert: true }).catch(unlessThere));
  }

  async obtain(subject: KeySubject): Promise<KeyObject> {
    const [known] = await this.find([subject]);
    const stored = known?.state === 'missing' ? await this.insert(subject) : known;
    if (stored?.state !== 'usable') throw new KeyDestroyedError('the key was destroyed');
    return stored.key;
  }

  async obtainMany(subjects: readonly KeySubject[]): Promise<KeyObject[]> {
    const known = await this.find(subjects);
    const missing = new Map(subjects.filter((_, index) => known[index]?.state === 'missing').map((subject) => [subjectName(subject), subject]));
    if (missing.size > 0) await this.insertMany([...missing.values()]);
    const stored = missing.size > 0 ? await this.find(subjects) : known;
    return stored.map((found) => {
      if (found.state !== 'usable') throw new KeyDestroyedError('the key was destroyed');
      return found.key;
    });
  }

  async find(subjects: readonly KeySubject[]): Promise<StoredKey[]> {
    if (subjects.length === 0) return [];
    const names = subjects.map(subjectName);
    const found = await this.connection.run(() => this.keys.find({ _id: oneOf(names) }).toArray());
    const byName = new Map(found.map((document) => [document._id, document]));
    return subjects.map((subject, index) => this.storedKey(subject, byName.get(names[index] as string)));
  }

  async adopt(keys: readonly AdoptedKey[]): Promise<void> {
    if (keys.length === 0) return;
    const writes = keys.map(({ subject, key }) => {
      const { _id, ...rest } = this.document(subject, this.wrapping.wrap(subject, key));
      return { updateOne: { filter: { _id }, update: { $setOnInsert: rest }, upsert: true } };
    });
    await this.connection.run(() => this.keys.bulkWrite(writes, { ordered: false }).catch(unlessThere));
  }

  async toRewrap(): Promise<number> {
    return this.connection.run(() => this.keys.countDocuments(this.olderWrapped()));
  }

  async rewrap(limit: number): Promise<number> {
    const found = await this.connection.run(() => this.keys.find(this.olderWrapped()).limit(limit).toArray());
    if (found.length === 0) {
      await this.connection.run(() => this.checks().deleteMany({ _id: { $ne: this.wrapping.fingerprint } }));
      return 0;
    }
    const writes = found.map((document) => {
      const { _id, wrapped } = document;
      const subject = subjectNamed(_id);
      const stored = this.storedKey(subject, document);
      if (stored.state !== 'usable') throw new TypeError('only wrapped keys are looked for');
      const { _id: _same, ...again } = this.document(subject, this.wrapping.wrap(subject, stored.key));
      // Only as it was found: a key destroyed meanwhile must not come back.
      return { updateOne: { filter: { _id, wrapped }, update: { $set: again } } };
    });
    await this.connection.run(() => this.keys.bulkWrite(writes, { ordered: false }));
    return found.length;
  }

  async destroy(subject: KeySubject): Promise<void> {
    const filter = { _id: subjectName(subject) };
    const destroyed = { $set: { wrapped: null, wrappedBy: null } };
    await this.connection.run(() =>
      this.keys.updateOne(filter, destroyed, { upsert: true }).catch((error: unknown) => {
        unlessThere(error);
        return this.keys.updateOne(filter, destroyed);
      }),
    );
  }

  /** A new key, unless another request made one, or destroyed it, meanwhile. */
  private async insert(subject: KeySubject): Promise<StoredKey | undefined> {
    const { key, wrapped } = this.wrapping.make(subject);
    const document = this.document(subject, wrapped);
    const inserted = await this.connection.run(() => this.keys.insertOne(document).catch(unlessThere));
    return inserted === undefined ? (await this.find([subject]))[0] : { state: 'usable', key };
  }

  /** New keys, but where another request made or destroyed one meanwhile. */
  private async insertMany(subjects: readonly KeySubject[]): Promise<void> {
    const documents = subjects.map((subject) => this.document(subject, this.wrapping.make(subject).wrapped));
    await this.connection.run(() => this.keys.insertMany(documents, { ordered: false }).catch(unlessThere));
  }

  private checks(): Collection<CheckDocument> {
    return this.connection.collection('wrapping_check');
  }

  private document(subject: KeySubject, wrapped: Buffer): KeyDocument {
    return { _id: subjectName(subject), wrapped: new Binary(wrapped), wrappedBy: this.wrapping.fingerprint };
  }

  private olderWrapped() {
    return { wrappedBy: { $in: this.wrapping.fingerprints.filter((fingerprint) => fingerprint !== this.wrapping.fingerprint) } };
  }

  private storedKey(subject: KeySubject, document: KeyDocument | undefined): StoredKey {
    if (document === undefined) return { state: 'missing' };
    const { wrapped, wrappedBy } = document;
    if (wrapped === null || wrappedBy === null) return { state: 'destroyed' };
    return { state: 'usable', key: this.wrapping.unwrap(subject, Buffer.from(wrapped.value()), wrappedBy) };
  }
}

/** Passes over the failure that the document is there already. */
function unlessThere(error: unknown): undefined {
  if (!isDuplicateKey(error)) throw error;
}
