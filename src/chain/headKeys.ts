// Who signs heads: Ed25519 keys derived from the encryption keys by HKDF. Whoever has the data alone
// has no encryption key and cannot sign; an auditor checks with the public key alone and could not
// sign either, as with a shared secret.

import { createHash, createPrivateKey, createPublicKey, hkdfSync, sign, verify, type KeyObject } from 'node:crypto';
import type { SignedHead } from '../ports/chainStore.js';

const SEED_BYTES = 32;
/** What stands before the seed in an Ed25519 private key in PKCS #8 (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

type Statement = Omit<SignedHead, 'signature' | 'keyFingerprint'>;

interface HeadKey {
  fingerprint: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
}

export class HeadKeys {
  private readonly keys: ReadonlyMap<string, HeadKey>;
  private readonly first: HeadKey;

  /** `encryptionKeys` in base64, at least one: the first signs, all verify. */
  constructor(encryptionKeys: readonly string[]) {
    const keys = encryptionKeys.map(headKeyOf);
    this.keys = new Map(keys.map((key) => [key.fingerprint, key]));
    this.first = keys[0] as HeadKey;
  }

  /** The key that signs now. */
  get fingerprint(): string {
    return this.first.fingerprint;
  }

  sign(statement: Statement): SignedHead {
    const { organizationId, sequence, hash, position, at } = statement;
    const signature = sign(null, signedBytes(statement), this.first.privateKey).toString('base64');
    return { organizationId, sequence, hash, position, at, signature, keyFingerprint: this.first.fingerprint };
  }

  /** Whether one of the keys signed `head`; 'unknown': it names a key that is not among them. */
  check(head: SignedHead): 'good' | 'bad' | 'unknown' {
    const key = this.keys.get(head.keyFingerprint);
    if (key === undefined) return 'unknown';
    return verify(null, signedBytes(head), key.publicKey, Buffer.from(head.signature, 'base64')) ? 'good' : 'bad';
  }

  /** The public key (PEM) of a fingerprint; null when it is not among them. */
  publicKey(fingerprint: string): string | null {
    return this.keys.get(fingerprint)?.publicKey.export({ format: 'pem', type: 'spki' }).toString() ?? null;
  }
}

/** The very bytes that are signed. */
export function signedBytes({ organizationId, sequence, hash, position, at }: Statement): Buffer {
  return Buffer.from(JSON.stringify(['contacts audit head 1', organizationId, sequence, hash, position, at]));
}

function headKeyOf(encryptionKey: string): HeadKey {
  const seed = hkdfSync('sha256', Buffer.from(encryptionKey, 'base64'), '', 'contacts audit head', SEED_BYTES);
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, Buffer.from(seed)]), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey);
  const fingerprint = createHash('sha256').update(publicKey.export({ format: 'der', type: 'spki' })).digest('hex').slice(0, 16);
  return { fingerprint, privateKey, publicKey };
}
