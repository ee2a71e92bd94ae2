// The key store in a SQLite file of its own: each contact's key wrapped by the first of the
// configured wrapping keys.

import type { KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { KeyDestroyedError, type AdoptedKey, type KeyStore, type KeySubject, type StoredKey } from '../../ports/keyStore.js';
import { decodeOrganization, encodeOrganization } from '../../domain/streams.js';
import { subjectName, type KeyWrapping } from '../wrapping.js';
import { reading, type Database } from './database.js';
import type { GroupCommit } from './groupCommit.js';
import { byOrganization } from './lookups.js';

const CACHED_KEYS = 20_000;
/** From how many keys on they are looked up together. */
const MANY = 8;

type KeyRow = { wrapped: Buffer; wrapped_by: string } | { wrapped: null; wrapped_by: null };

type WrappedRow = { organization: string; id: string } & Extract<KeyRow, { wrapped: Buffer }>;

export class SqliteKeyStore implements KeyStore {
  private readonly cache = new LRUCache<string, KeyObject>({ max: CACHED_KEYS });

  /** @throws WrongWrappingKeyError */
  constructor(
    private readonly database: Database,
    private readonly writes: GroupCommit,
    private readonly wrapping: KeyWrapping,
  ) {
    this.checkWrappingKeys();
    // What a group read of its own keys, too, is forgotten with it.
    writes.join({ failed: () => this.cache.clear() });
  }

  async obtain(subject: KeySubject): Promise<KeyObject> {
    const [key] = await this.obtainMany([subject]);
    return key as KeyObject;
  }

  async obtainMany(subjects: readonly KeySubject[], expected?: 'new'): Promise<KeyObject[]> {
    const known = expected === 'new' ? [] : await this.find(subjects);
    if (known.some(({ state }) => state === 'destroyed')) throw new KeyDestroyedError('the key was destroyed');
    const found = known.flatMap((stored) => (stored.state === 'usable' ? [stored.key] : []));
    if (found.length === subjects.length) return found;
    const keys = await this.writes.run(() => subjects.map((subject) => this.obtainNow(subject)));
    for (const [index, subject] of subjects.entries()) this.cache.set(subjectName(subject), keys[index] as KeyObject);
    return keys;
  }

  async find(subjects: readonly KeySubject[]): Promise<StoredKey[]> {
    return reading(() => {
      const found = new Map<string, StoredKey>();
      const missing = subjects.length < MANY ? [] : subjects.filter((subject) => !this.cache.has(subjectName(subject)));
      for (const [organizationId, some] of byOrganization(missing)) this.findOf(organizationId, some, found);
      return subjects.map((subject) => found.get(subjectName(subject)) ?? this.findNow(subject));
    });
  }

  async adopt(keys: readonly AdoptedKey[]): Promise<void> {
    await this.writes.run(() => {
      for (const { subject, key } of keys) this.insert(subject, this.wrapping.wrap(subject, key));
    });
  }

  async toRewrap(): Promise<number> {
    const sql = 'SELECT count(*) AS count FROM keys WHERE wrapped_by = ?';
    const counts = await reading(() => this.olderInUse().map((older) => this.database.get<{ count: number }>(sql, older)?.count ?? 0));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async rewrap(limit: number): Promise<number> {
    return this.writes.run(() => {
      for (const older of this.olderInUse()) {
        const sql = 'SELECT organization, id, wrapped, wrapped_by FROM keys WHERE wrapped_by = ? LIMIT ?';
        const rows = this.database.all<WrappedRow>(sql, older, limit);
        for (const row of rows) this.rewrapOne(row);
        if (rows.length > 0) return rows.length;
        this.database.run('DELETE FROM wrapping_check WHERE fingerprint = ?', older);
      }
      return 0;
    });
  }

  async destroy(subject: KeySubject): Promise<void> {
    await this.writes.run(() => {
      const values = [encodeOrganization(subject.organizationId), subject.id];
      this.database.run('INSERT OR REPLACE INTO keys (organization, id, wrapped) VALUES (?, ?, NULL)', ...values);
      this.cache.delete(subjectName(subject));
    });
    // The log that SQLite writes ahead holds the key as it was: it is emptied.
    await reading(() => this.database.get('PRAGMA wal_checkpoint(TRUNCATE)'));
  }

  /** A new key, unless there is one by now. */
  private obtainNow(subject: KeySubject): KeyObject {
    const { key, wrapped } = this.wrapping.make(subject);
    if (this.insert(subject, wrapped)) return key;
    const known = this.findNow(subject);
    if (known.state !== 'usable') throw new KeyDestroyedError('the key was destroyed');
    return known.key;
  }

  /** Stores a key unless there is one, or was; returns whether it did. */
  private insert({ organizationId, id }: KeySubject, wrapped: Buffer): boolean {
    const sql = 'INSERT INTO keys (organization, id, wrapped, wrapped_by) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING';
    return this.database.run(sql, encodeOrganization(organizationId), id, wrapped, this.wrapping.fingerprint) > 0;
  }

  private findNow(subject: KeySubject): StoredKey {
    const cached = this.cache.get(subjectName(subject));
    if (cached !== undefined) return { state: 'usable', key: cached };
    const sql = 'SELECT wrapped, wrapped_by FROM keys WHERE organization = ? AND id = ?';
    return this.toStoredKey(subject, this.database.get<KeyRow>(sql, encodeOrganization(subject.organizationId), subject.id));
  }

  /** Looks up keys of one organization by one statement: many single ones take three times as long. */
  private findOf(organizationId: string, subjects: readonly KeySubject[], found: Map<string, StoredKey>): void {
    const sql = `SELECT k.wrapped, k.wrapped_by, k.id IS NOT NULL AS known FROM json_each(?) wanted
      LEFT JOIN keys k ON k.organization = ? AND k.id = wanted.value ORDER BY wanted.key`;
    const ids = JSON.stringify(subjects.map(({ id }) => id));
    const rows = this.database.all<KeyRow & { known: number }>(sql, ids, encodeOrganization(organizationId));
    for (const [index, subject] of subjects.entries()) {
      const row = rows[index];
      found.set(subjectName(subject), this.toStoredKey(subject, row?.known === 1 ? row : undefined));
    }
  }

  private toStoredKey(subject: KeySubject, row: KeyRow | undefined): StoredKey {
    if (row === undefined) return { state: 'missing' };
    if (row.wrapped === null) return { state: 'destroyed' };
    const key = this.wrapping.unwrap(subject, Buffer.from(row.wrapped), row.wrapped_by);
    this.cache.set(subjectName(subject), key);
    return { state: 'usable', key };
  }

  private rewrapOne({ organization, id, wrapped, wrapped_by }: WrappedRow): void {
    const subject = { organizationId: decodeOrganization(organization), id };
    const again = this.wrapping.wrap(subject, this.wrapping.unwrap(subject, Buffer.from(wrapped), wrapped_by));
    const sql = 'UPDATE keys SET wrapped = ?, wrapped_by = ? WHERE organization = ? AND id = ?';
    this.database.run(sql, again, this.wrapping.fingerprint, organization, id);
  }

  /** Of the wrapping keys in use, the one that wraps now left out. */
  private olderInUse(): string[] {
    const sql = 'SELECT fingerprint FROM wrapping_check WHERE fingerprint <> ?';
    return this.database.all<{ fingerprint: string }>(sql, this.wrapping.fingerprint).map(({ fingerprint }) => fingerprint);
  }

  /** Every wrapping key in use must be given; the first is in use from now on. */
  private checkWrappingKeys(): void {
    this.wrapping.verify(this.olderInUse());
    const { fingerprint, box } = this.wrapping.check();
    this.database.run('INSERT OR IGNORE INTO wrapping_check (fingerprint, box) VALUES (?, ?)', fingerprint, box);
  }
}
