// Reads the keys of `keys.sqlite`, and keeps those in use unwrapped.

import type { KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { groupBy } from '../../domain/groupBy.js';
import { encodeOrganization } from '../../domain/streams.js';
import type { KeySubject, StoredKey } from '../../ports/keyStore.js';
import { subjectName, subjectNames, type KeyWrapping } from '../wrapping.js';
import type { Database } from './database.js';

const CACHED_KEYS = 20_000;
/** From how many keys on they are looked up together: many single ones take three times as long. */
const MANY = 8;

type KeyRow = { wrapped: Buffer; wrapped_by: string } | { wrapped: null; wrapped_by: null };

export class SqliteKeyReader {
  private readonly cache: LRUCache<string, KeyObject>;

  /** `kept`: how many keys stay unwrapped. */
  constructor(
    private readonly database: Database,
    private readonly wrapping: KeyWrapping,
    kept = CACHED_KEYS,
  ) {
    this.cache = new LRUCache({ max: kept });
  }

  /** The key of `subject`. */
  findNow({ organizationId, id }: KeySubject): StoredKey {
    return this.findSome(organizationId, [id])[0] as StoredKey;
  }

  /** The keys of `subjects`, in their order. */
  find(subjects: readonly KeySubject[]): StoredKey[] {
    const found = new Map<KeySubject, StoredKey>();
    for (const [organizationId, some] of groupBy(subjects, (subject) => subject.organizationId)) {
      const keys = this.findSome(organizationId, some.map(({ id }) => id));
      for (const [index, subject] of some.entries()) found.set(subject, keys[index] as StoredKey);
    }
    return subjects.map((subject) => found.get(subject) as StoredKey);
  }

  /** The keys of subjects of one organization, in the order of `ids`. */
  findSome(organizationId: string, ids: readonly string[]): StoredKey[] {
    const nameOf = subjectNames(organizationId);
    const keys = ids.map((id): StoredKey | null => {
      const key = this.cache.get(nameOf(id));
      return key === undefined ? null : { state: 'usable', key };
    });
    const missing = ids.filter((_, index) => keys[index] === null);
    const rows = (missing.length < MANY ? this.rowByRow(organizationId, missing) : this.rowsAtOnce(organizationId, missing)).values();
    return ids.map((id, index) => keys[index] ?? this.toStoredKey({ organizationId, id }, rows.next().value));
  }

  /** Keeps a key that was just stored. */
  remember(subject: KeySubject, key: KeyObject): void {
    this.cache.set(subjectName(subject), key);
  }

  /** Keeps the key no more: it was destroyed. */
  forget(subject: KeySubject): void {
    this.cache.delete(subjectName(subject));
  }

  /** Keeps none of them. */
  clear(): void {
    this.cache.clear();
  }

  private rowByRow(organizationId: string, ids: readonly string[]): (KeyRow | undefined)[] {
    const sql = 'SELECT wrapped, wrapped_by FROM keys WHERE organization = ? AND id = ?';
    const organization = encodeOrganization(organizationId);
    return ids.map((id) => this.database.get<KeyRow>(sql, organization, id));
  }

  private rowsAtOnce(organizationId: string, ids: readonly string[]): (KeyRow | undefined)[] {
    const sql = `SELECT k.wrapped, k.wrapped_by, k.id IS NOT NULL AS known FROM json_each(?) wanted
      LEFT JOIN keys k ON k.organization = ? AND k.id = wanted.value ORDER BY wanted.key`;
    const rows = this.database.all<KeyRow & { known: number }>(sql, JSON.stringify(ids), encodeOrganization(organizationId));
    return rows.map((row) => (row.known === 1 ? row : undefined));
  }

  private toStoredKey(subject: KeySubject, row: KeyRow | undefined): StoredKey {
    if (row === undefined) return { state: 'missing' };
    if (row.wrapped === null) return { state: 'destroyed' };
    const key = this.wrapping.unwrap(subject, Buffer.from(row.wrapped), row.wrapped_by);
    this.remember(subject, key);
    return { state: 'usable', key };
  }
}
