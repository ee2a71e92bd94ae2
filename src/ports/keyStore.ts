// Keys that encrypt personal data, one a contact, kept apart from the events and their backups.
// Destroying a key erases what it encrypted, wherever copies of the events may lie.

import type { KeyObject } from 'node:crypto';
import { parseStream } from '../domain/streams.js';

/** Whose key: a contact of an organization. */
export interface KeySubject {
  organizationId: string;
  id: string;
}

export type StoredKey = { state: 'usable'; key: KeyObject } | { state: 'destroyed' } | { state: 'missing' };

export interface AdoptedKey {
  subject: KeySubject;
  key: KeyObject;
}

export interface KeyStore {
  /**
   * The subject's key, made when there is none. It is durable before this returns, so that no
   * event can be stored whose key could be lost.
   * @throws KeyDestroyedError when it was destroyed
   * @throws UnavailableError
   */
  obtain(subject: KeySubject): Promise<KeyObject>;

  /**
   * As `obtain` for each of `subjects`, in their order; all are durable before this returns. A store
   * need not look for keys that are `expected` to be new before it makes them.
   */
  obtainMany(subjects: readonly KeySubject[], expected?: 'new'): Promise<KeyObject[]>;

  /** The keys of `subjects`, in their order. @throws UnavailableError */
  find(subjects: readonly KeySubject[]): Promise<StoredKey[]>;

  /**
   * Takes keys over that another store made. A key that is there already, or was destroyed, stands.
   * Durable before this returns. @throws UnavailableError
   */
  adopt(keys: readonly AdoptedKey[]): Promise<void>;

  /** How many keys are wrapped by a wrapping key that is not the first one. @throws UnavailableError */
  toRewrap(): Promise<number>;

  /**
   * Wraps up to `limit` of those by the first one; returns how many, durably. With 0 none was left,
   * and the store needs no other wrapping key from then on.
   * @throws UnavailableError
   */
  rewrap(limit: number): Promise<number>;

  /** Destroys the subject's key for good; durable before this returns. @throws UnavailableError */
  destroy(subject: KeySubject): Promise<void>;
}

/** Whose key seals the events of `stream`; null when none does. */
export function keySubjectOf(stream: string): KeySubject | null {
  const subject = parseStream(stream);
  return subject?.category === 'contact' ? { organizationId: subject.organizationId, id: subject.id } : null;
}

/** What was to be encrypted belongs to somebody whose data was erased. */
export class KeyDestroyedError extends Error {
  override readonly name = 'KeyDestroyedError';
}
