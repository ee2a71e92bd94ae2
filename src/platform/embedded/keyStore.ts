// The key store in a SQLite file of its own: each contact's key wrapped by the first of the
// configured wrapping keys.

import type { KeyObject } from 'node:crypto';
import { KeyDestroyedError, type AdoptedKey, type KeyStore, type KeySubject, type StoredKey } from '../../ports/keyStore.js';
import { decodeOrganization, encodeOrganization } from '../../domain/streams.js';
import type { KeyWrapping } from '../wrapping.js';
import { reading, type Database } from './database.js';
import type { GroupCommit } from './groupCommit.js';
import { SqliteKeyReader } from './keyReader.js';
import { TakenError, type WrappedKey } from './madeAppends.js';

interface WrappedRow {
  organization: string;
  id: string;
  wrapped: Buffer;
  wrapped_by: string;
}

export class SqliteKeyStore implements KeyStore {
  private readonly reader: SqliteKeyReader;

  /**
   * `destroyed` is told whose key is gone, before `destroy` returns; `scrub` has the log of writes
   * emptied later, where somebody reads it.
   * @throws WrongWrappingKeyError
   */
  constructor(
    private readonly database: Database,
    private readonly writes: GroupCommit,
    private readonly wrapping: KeyWrapping,
    private readonly destroyed: (subject: KeySubject) => void = () => undefined,
    private readonly scrub: () => Promise<void> = async () => undefined,
  ) {
    this.reader = new SqliteKeyReader(database, wrapping);
    this.checkWrappingKeys();
    // What a group read of its own keys, too, is forgotten with it.
    writes.join({ failed: () => this.reader.clear() });
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
    const obtain = () => subjects.map((subject) => this.obtainNow(subject));
    const keys = await (subjects.length === 1 ? this.writes.runUnguarded(obtain) : this.writes.run(obtain));
    for (const [index, subject] of subjects.entries()) this.reader.remember(subject, keys[index] as KeyObject);
    return keys;
  }

  async find(subjects: readonly KeySubject[]): Promise<StoredKey[]> {
    return reading(() => this.reader.find(subjects));
  }

  async adopt(keys: readonly AdoptedKey[]): Promise<void> {
    await this.writes.run(() => {
      for (const { subject, key } of keys) this.insert(subject, this.wrapping.wrap(subject, key));
    });
  }

  /** Keeps new keys as they were wrapped by the first of the wrapping keys. @throws TakenError when one of their subjects has or had a key; then it keeps none */
  async addWrapped(keys: readonly WrappedKey[]): Promise<void> {
    await this.writes.run(() => {
      for (const { subject, wrapped } of keys) {
        if (!this.insert(subject, Buffer.from(wrapped.buffer, wrapped.byteOffset, wrapped.byteLength))) throw new TakenError(`${subject.id} has a key`);
      }
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
      this.reader.forget(subject);
    });
    this.destroyed(subject);
    // The log that SQLite writes ahead holds the key as it was: it is emptied.
    if (!(await reading(() => this.database.emptyLog()))) await this.scrub();
  }

  /** A new key, unless there is one by now. Where it throws it has stored nothing. */
  private obtainNow(subject: KeySubject): KeyObject {
    const { key, wrapped } = this.wrapping.make(subject);
    if (this.insert(subject, wrapped)) return key;
    const known = this.reader.findNow(subject);
    if (known.state !== 'usable') throw new KeyDestroyedError('the key was destroyed');
    return known.key;
  }

  /** Stores a key unless there is one, or was; returns whether it did. */
  private insert({ organizationId, id }: KeySubject, wrapped: Buffer): boolean {
    const sql = 'INSERT INTO keys (organization, id, wrapped, wrapped_by) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING';
    return this.database.run(sql, encodeOrganization(organizationId), id, wrapped, this.wrapping.fingerprint) > 0;
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
