// The key store in a SQLite file of its own: each contact's key wrapped by the first of the
// configured wrapping keys.

import type { KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { KeyDestroyedError, type AdoptedKey, type KeyStore, type KeySubject, type StoredKey } from '../../ports/keyStore.js';
import { encodeOrganization } from '../../domain/streams.js';
import { subjectName, type KeyWrapping } from '../wrapping.js';
import { reading, type Database } from './database.js';
import type { GroupCommit } from './groupCommit.js';

const CACHED_KEYS = 20_000;

interface KeyRow {
  wrapped: Buffer | null;
}

export class SqliteKeyStore implements KeyStore {
  private readonly cache = new LRUCache<string, KeyObject>({ max: CACHED_KEYS });

  /** @throws WrongWrappingKeyError */
  constructor(
    private readonly database: Database,
    private readonly writes: GroupCommit,
    private readonly wrapping: KeyWrapping,
  ) {
    this.checkWrappingKey();
  }

  async obtain(subject: KeySubject): Promise<KeyObject> {
    const [key] = await this.obtainMany([subject]);
    return key as KeyObject;
  }

  async obtainMany(subjects: readonly KeySubject[]): Promise<KeyObject[]> {
    const known = await this.find(subjects);
    if (known.some(({ state }) => state === 'destroyed')) throw new KeyDestroyedError('the key was destroyed');
    const found = known.flatMap((stored) => (stored.state === 'usable' ? [stored.key] : []));
    if (found.length === subjects.length) return found;
    const keys = await this.writes.run(() => subjects.map((subject) => this.obtainNow(subject)));
    for (const [index, subject] of subjects.entries()) this.cache.set(subjectName(subject), keys[index] as KeyObject);
    return keys;
  }

  async find(subjects: readonly KeySubject[]): Promise<StoredKey[]> {
    return reading(() => subjects.map((subject) => this.findNow(subject)));
  }

  async adopt(keys: readonly AdoptedKey[]): Promise<void> {
    await this.writes.run(() => {
      const sql = 'INSERT OR IGNORE INTO keys (organization, id, wrapped) VALUES (?, ?, ?)';
      for (const { subject, key } of keys) this.database.run(sql, encodeOrganization(subject.organizationId), subject.id, this.wrapping.wrap(subject, key));
    });
  }

  async destroy(subject: KeySubject): Promise<void> {
    await this.writes.run(() => {
      const values = [encodeOrganization(subject.organizationId), subject.id];
      this.database.run('INSERT OR REPLACE INTO keys (organization, id, wrapped) VALUES (?, ?, NULL)', ...values);
    });
    this.cache.delete(subjectName(subject));
  }

  /** A new key, unless there is one by now. */
  private obtainNow(subject: KeySubject): KeyObject {
    const { key, wrapped } = this.wrapping.make(subject);
    const sql = 'INSERT INTO keys (organization, id, wrapped) VALUES (?, ?, ?) ON CONFLICT DO NOTHING';
    if (this.database.run(sql, encodeOrganization(subject.organizationId), subject.id, wrapped) > 0) return key;
    const known = this.findNow(subject);
    if (known.state !== 'usable') throw new KeyDestroyedError('the key was destroyed');
    return known.key;
  }

  private findNow(subject: KeySubject): StoredKey {
    const cached = this.cache.get(subjectName(subject));
    if (cached !== undefined) return { state: 'usable', key: cached };
    const sql = 'SELECT wrapped FROM keys WHERE organization = ? AND id = ?';
    const row = this.database.get<KeyRow>(sql, encodeOrganization(subject.organizationId), subject.id);
    if (row === undefined) return { state: 'missing' };
    if (row.wrapped === null) return { state: 'destroyed' };
    const key = this.wrapping.unwrap(subject, Buffer.from(row.wrapped));
    this.cache.set(subjectName(subject), key);
    return { state: 'usable', key };
  }

  private checkWrappingKey(): void {
    const known = this.database.all<{ fingerprint: string }>('SELECT fingerprint FROM wrapping_check');
    if (known.length > 0) return this.wrapping.verify(known.map((row) => row.fingerprint));
    const { fingerprint, box } = this.wrapping.check();
    this.database.run('INSERT INTO wrapping_check (fingerprint, box) VALUES (?, ?)', fingerprint, box);
  }
}
