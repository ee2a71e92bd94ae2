// How contacts' keys are stored: each wrapped (encrypted) by the configured wrapping key and bound
// to its subject, so that one cannot be put in another's place.

import { createHash, createSecretKey, type KeyObject } from 'node:crypto';
import { decodeOrganization, encodeOrganization } from '../domain/streams.js';
import type { KeySubject } from '../ports/keyStore.js';
import { takeRandom } from './random.js';
import { decrypt, encrypt } from './sealing.js';

const KEY_BYTES = 32;
const CHECK_TEXT = 'contacts';

/** The wrapping key is not the one the keys were wrapped with. */
export class WrongWrappingKeyError extends Error {
  override readonly name = 'WrongWrappingKeyError';
}

/** What a key store keeps of its wrapping key, by which a wrong one is noticed at the start. */
export interface WrappingCheck {
  fingerprint: string;
  /** A known text encrypted with the wrapping key. */
  box: Buffer;
}

/** At least one. */
export type WrappingKeys = readonly [KeyObject, ...KeyObject[]];

/** The wrapping keys that a list of them in base64 names. */
export function wrappingKeysOf(list: readonly string[]): WrappingKeys {
  const [first = '', ...older] = list;
  const read = (text: string) => createSecretKey(Buffer.from(text, 'base64'));
  return [read(first), ...older.map(read)];
}

export class KeyWrapping {
  /** Names the wrapping key by which keys are wrapped now. */
  readonly fingerprint: string;
  private readonly keys: ReadonlyMap<string, KeyObject>;

  /** The first of `wrappingKeys` wraps; all unwrap. */
  constructor(wrappingKeys: WrappingKeys) {
    this.keys = new Map(wrappingKeys.map((key) => [fingerprintOf(key), key]));
    this.fingerprint = fingerprintOf(wrappingKeys[0]);
  }

  /** Of the wrapping keys that are given. */
  get fingerprints(): string[] {
    return [...this.keys.keys()];
  }

  /** A new key for `subject`, and how it is stored. */
  make(subject: KeySubject): { key: KeyObject; wrapped: Buffer } {
    const bytes = takeRandom(KEY_BYTES);
    const made = { key: createSecretKey(bytes), wrapped: this.wrapBytes(subject, bytes) };
    bytes.fill(0);
    return made;
  }

  /** How a key made elsewhere is stored. */
  wrap(subject: KeySubject, key: KeyObject): Buffer {
    return this.wrapBytes(subject, key.export());
  }

  /** The key that was stored for `subject`, wrapped by the key of that fingerprint. @throws WrongWrappingKeyError when it is not given */
  unwrap(subject: KeySubject, wrapped: Buffer, wrappedBy: string): KeyObject {
    return createSecretKey(decrypt(this.keyNamed(wrappedBy), wrapped, subjectName(subject)));
  }

  /** What to keep of this wrapping key in a store that has kept nothing as yet. */
  check(): WrappingCheck {
    return { fingerprint: this.fingerprint, box: encrypt(this.keyNamed(this.fingerprint), Buffer.from(CHECK_TEXT), this.fingerprint) };
  }

  /** @throws WrongWrappingKeyError unless every wrapping key in use is given */
  verify(inUse: readonly string[]): void {
    for (const fingerprint of inUse) this.keyNamed(fingerprint);
  }

  private wrapBytes(subject: KeySubject, bytes: Buffer): Buffer {
    return encrypt(this.keyNamed(this.fingerprint), bytes, subjectName(subject));
  }

  private keyNamed(fingerprint: string): KeyObject {
    const key = this.keys.get(fingerprint);
    if (key !== undefined) return key;
    if (this.keys.size === 1) throw new WrongWrappingKeyError('ENCRYPTION_KEY is not the key that the personal data was encrypted with');
    throw new WrongWrappingKeyError('ENCRYPTION_KEY lacks a key that personal data is encrypted with');
  }
}

function fingerprintOf(wrappingKey: KeyObject): string {
  return createHash('sha256').update('wrapping key').update(wrappingKey.export()).digest('hex').slice(0, 16);
}

/** One name for each subject, by which stores find its key. */
export function subjectName({ organizationId, id }: KeySubject): string {
  return subjectNames(organizationId)(id);
}

/** The names of the subjects of one organization, by their ids. */
export function subjectNames(organizationId: string): (id: string) => string {
  const organization = encodeOrganization(organizationId);
  return (id) => `${organization}/${id}`;
}

/** The subject of that name. */
export function subjectNamed(name: string): KeySubject {
  const slash = name.indexOf('/');
  return { organizationId: decodeOrganization(name.slice(0, slash)), id: name.slice(slash + 1) };
}
