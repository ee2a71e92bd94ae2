// The key store in MongoDB: each contact's key wrapped, null once destroyed. Nothing of it is
// remembered: another copy may destroy a key at any moment, and must be heeded at once.

import { Binary, type Collection } from 'mongodb';
import type { KeyObject } from 'node:crypto';
import { KeyDestroyedError, type AdoptedKey, type KeyStore, type KeySubject, type StoredKey } from '../../ports/keyStore.js';
import { subjectName, type KeyWrapping } from '../wrapping.js';
import { isDuplicateKey, type MongoConnection } from './mongoConnection.js';

interface KeyDocument {
  _id: string;
  wrapped: Binary | null;
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
    const checks = this.connection.collection<CheckDocument>('wrapping_check');
    const known = await this.connection.run(() => checks.find().toArray());
    if (known.length > 0) return this.wrapping.verify(known.map(({ _id }) => _id));
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
    const found = await this.connection.run(() => this.keys.find({ _id: { $in: names } }).toArray());
    const byName = new Map(found.map((document) => [document._id, document]));
    return subjects.map((subject, index) => this.storedKey(subject, byName.get(names[index] as string)));
  }

  async adopt(keys: readonly AdoptedKey[]): Promise<void> {
    if (keys.length === 0) return;
    const writes = keys.map(({ subject, key }) => {
      const wrapped = new Binary(this.wrapping.wrap(subject, key));
      return { updateOne: { filter: { _id: subjectName(subject) }, update: { $setOnInsert: { wrapped } }, upsert: true } };
    });
    await this.connection.run(() => this.keys.bulkWrite(writes, { ordered: false }).catch(unlessThere));
  }

  async destroy(subject: KeySubject): Promise<void> {
    const filter = { _id: subjectName(subject) };
    const destroyed = { $set: { wrapped: null } };
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
    const document = { _id: subjectName(subject), wrapped: new Binary(wrapped) };
    const inserted = await this.connection.run(() => this.keys.insertOne(document).catch(unlessThere));
    return inserted === undefined ? (await this.find([subject]))[0] : { state: 'usable', key };
  }

  /** New keys, but where another request made or destroyed one meanwhile. */
  private async insertMany(subjects: readonly KeySubject[]): Promise<void> {
    const documents = subjects.map((subject) => ({ _id: subjectName(subject), wrapped: new Binary(this.wrapping.make(subject).wrapped) }));
    await this.connection.run(() => this.keys.insertMany(documents, { ordered: false }).catch(unlessThere));
  }

  private storedKey(subject: KeySubject, document: KeyDocument | undefined): StoredKey {
    if (document === undefined) return { state: 'missing' };
    if (document.wrapped === null) return { state: 'destroyed' };
    return { state: 'usable', key: this.wrapping.unwrap(subject, Buffer.from(document.wrapped.value())) };
  }
}

/** Passes over the failure that the document is there already. */
function unlessThere(error: unknown): undefined {
  if (!isDuplicateKey(error)) throw error;
}
