// Tokens as others sign them, good and bad, and keys to sign them with.

import { createHmac, createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { JWT_SECRET } from './service.js';

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

export const now = () => Math.floor(Date.now() / 1000);

/** Claims that are good. */
export const goodClaims = () => ({ organizationId: 'org_auth', sub: 'someone', exp: now() + 600 });

/** Signs by HS256 whatever it is given, with any header. */
export function hs256(claims: object, secret: string | Buffer = JWT_SECRET, header: object = { alg: 'HS256', typ: 'JWT' }): string {
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

/** A token with no signature. */
export const unsigned = (claims: object, alg = 'none') => `${encode({ alg, typ: 'JWT' })}.${encode(claims)}.`;

/** Signs by RS256 or ES256, as the key is. */
export function signed(claims: object, key: KeyObject, header: object = {}): string {
  const isRsa = key.asymmetricKeyType === 'rsa';
  const text = `${encode({ alg: isRsa ? 'RS256' : 'ES256', typ: 'JWT', ...header })}.${encode(claims)}`;
  const signer = createSign('sha256').update(text);
  return `${text}.${signer.sign(isRsa ? key : { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

export const rsaPair = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
export const ecPair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const pemOf = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString();
