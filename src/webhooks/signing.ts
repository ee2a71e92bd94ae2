// Signatures by the Standard Webhooks convention, version 1: an HMAC-SHA256 over id, time and body.

import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

/** The key that a secret of the form `whsec_<base64>` stands for. */
export function signingKey(secret: string): KeyObject {
  return createSecretKey(Buffer.from(secret.replace(/^whsec_/, ''), 'base64'));
}

/** The value of `webhook-signature`: one signature by each key. `timestamp` is in seconds since 1970. */
export function signatures(keys: readonly KeyObject[], id: string, timestamp: number, body: Buffer): string {
  return keys.map((key) => `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')}`).join(' ');
}
