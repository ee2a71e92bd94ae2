// How contacts' keys are stored: each wrapped (encrypted) by the configured wrapping key and bound
// to its subject, so that one cannot be put in another's place.

import { createHash, createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { encodeOrganization } from '../domain/streams.js';
import type { KeySubject } from '../ports/keyStore.js';
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

export class KeyWrapping {
  private readonly fingerprint: string;

  constructor(private readonly wrappingKey: KeyObject) {
    this.fingerprint = createHash('sha256').update('wrapping key').update(wrappingKey.export()).digest('hex').slice(0, 16);
  }

  /** A new key for `subject`, and how it is stored. */
  make(subject: KeySubject): { key: KeyObject; wrapped: Buffer } {
    const key = createSecretKey(randomBytes(KEY_BYTES));
    return { key, wrapped: this.wrap(subject, key) };
  }

  /** How a key made elsewhere is stored. */
  wrap(subject: KeySubject, key: KeyObject): Buffer {
    return encrypt(this.wrappingKey, key.export(), subjectName(subject));
  }

  /** The key that was stored for `subject`. */
  unwrap(subject: KeySubject, wrapped: Buffer): KeyObject {
    return createSecretKey(decrypt(this.wrappingKey, wrapped, subjectName(subject)));
  }

  /** What to keep of this wrapping key in a store that has kept nothing as yet. */
  check(): WrappingCheck {
    return { fingerprint: this.fingerprint, box: encrypt(this.wrappingKey, Buffer.from(CHECK_TEXT), this.fingerprint) };
  }

  /** @throws WrongWrappingKeyError when none of the fingerprints kept is this wrapping key's */
  verify(fingerprints: readonly string[]): void {
    if (fingerprints.includes(this.fingerprint)) return;
    throw new WrongWrappingKeyError('ENCRYPTION_KEY is not the key that the personal data was encrypted with');
  }
}

/** One name for each subject, by which stores find its key. */
export function subjectName({ organizationId, id }: KeySubject): string {
  return `${encodeOrganization(organizationId)}/${id}`;
}
