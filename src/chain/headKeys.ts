// Signs heads and ends by keys derived from the encryption keys by HKDF, which the data alone does not
// give. Heads by Ed25519: who checks them by the public key could not sign. Ends by HMAC: the service
// alone checks them, with every write, and that takes a twentieth of the time.

import { createHash, createHmac, createPrivateKey, createPublicKey, createSecretKey, hkdfSync, sign, timingSafeEqual, verify, type KeyObject } from 'node:crypto';
import type { SignedHead } from '../ports/chainStore.js';

const SEED_BYTES = 32;
/** What stands before the seed in an Ed25519 private key in PKCS #8 (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

type Statement = Omit<SignedHead, 'signature' | 'keyFingerprint'>;

interface HeadKey {
  fingerprint: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
  /** Of ends. */
  secretKey: KeyObject;
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
    return this.signed(statement, sign(null, signedBytes(statement), this.first.privateKey));
  }

  /** As `sign`, for the end of a chain: for `checkEnd` alone. */
  signEnd(statement: Statement): SignedHead {
    return this.signed(statement, endSignature(statement, this.first));
  }

  /** Whether one of the keys signed `head`; 'unknown': it names a key that is not among them. */
  check(head: SignedHead): 'good' | 'bad' | 'unknown' {
    const key = this.keys.get(head.keyFingerprint);
    if (key === undefined) return 'unknown';
    return verify(null, signedBytes(head), key.publicKey, Buffer.from(head.signature, 'base64')) ? 'good' : 'bad';
  }

  /** As `check`, for what `signEnd` signed. */
  checkEnd(end: SignedHead): 'good' | 'bad' | 'unknown' {
    const key = this.keys.get(end.keyFingerprint);
    if (key === undefined) return 'unknown';
    const [given, right] = [Buffer.from(end.signature, 'base64'), endSignature(end, key)];
    return given.length === right.length && timingSafeEqual(given, right) ? 'good' : 'bad';
  }

  /** The public key (PEM) of a fingerprint; null when it is not among them. */
  publicKey(fingerprint: string): string | null {
    return this.keys.get(fingerprint)?.publicKey.export({ format: 'pem', type: 'spki' }).toString() ?? null;
  }

  private signed({ organizationId, sequence, hash, position, at }: Statement, signature: Buffer): SignedHead {
    return { organizationId, sequence, hash, position, at, signature: signature.toString('base64'), keyFingerprint: this.first.fingerprint };
  }
}

/** The very bytes that are signed. */
export function signedBytes({ organizationId, sequence, hash, position, at }: Statement): Buffer {
  return Buffer.from(JSON.stringify(['contacts audit head 1', organizationId, sequence, hash, position, at]));
}

function endSignature({ organizationId, sequence, hash, position, at }: Statement, { secretKey }: HeadKey): Buffer {
  return createHmac('sha256', secretKey).update(JSON.stringify(['contacts audit end 1', organizationId, sequence, hash, position, at])).digest();
}

function headKeyOf(encryptionKey: string): HeadKey {
  const derived = (purpose: string) => Buffer.from(hkdfSync('sha256', Buffer.from(encryptionKey, 'base64'), '', purpose, SEED_BYTES));
  const seed = derived('contacts audit head');
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey);
  const fingerprint = createHash('sha256').update(publicKey.export({ format: 'der', type: 'spki' })).digest('hex').slice(0, 16);
  return { fingerprint, privateKey, publicKey, secretKey: createSecretKey(derived('contacts audit end')) };
}
