// The keys that tokens are verified with. The key fixes the algorithm; the token never does.

import { createPublicKey, createSecretKey, KeyObject } from 'node:crypto';
import { createRemoteJWKSet, errors } from 'jose';
import type { Algorithm } from 'jsonwebtoken';
import { BadSettingError, type Settings } from '../config.js';
import { UnavailableError } from '../ports/errors.js';

/** A key, or how to find the one a token's header names. */
export interface TokenKeys {
  algorithms: Algorithm[];
  secret: KeyObject | ((header: { alg: string; kid?: string }) => Promise<KeyObject>);
}

type KeySettings = Pick<Settings, 'JWT_SECRET' | 'JWT_PUBLIC_KEY' | 'JWT_JWKS_URI'>;

/**
 * The keys that the settings name.
 * @throws BadSettingError when they name none, or one that cannot be used
 */
export function tokenKeys({ JWT_SECRET, JWT_PUBLIC_KEY, JWT_JWKS_URI }: KeySettings): TokenKeys {
  if (JWT_SECRET !== undefined) return { algorithms: ['HS256'], secret: createSecretKey(JWT_SECRET, 'utf8') };
  if (JWT_PUBLIC_KEY !== undefined) return publicKey(JWT_PUBLIC_KEY);
  if (JWT_JWKS_URI !== undefined) return publishedKeys(new URL(JWT_JWKS_URI));
  throw new BadSettingError('JWT_SECRET, JWT_PUBLIC_KEY, JWT_JWKS_URI: one of them must be set');
}

function publicKey(pem: string): TokenKeys {
  const secret = readPem(pem.replaceAll('\\n', '\n'));
  if (secret.asymmetricKeyType === 'rsa') return { algorithms: ['RS256'], secret };
  if (secret.asymmetricKeyType === 'ec') return { algorithms: ['ES256'], secret };
  throw new BadSettingError('JWT_PUBLIC_KEY: must be an RSA or P-256 key');
}

function readPem(pem: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch {
    throw new BadSettingError('JWT_PUBLIC_KEY: must be a public key in PEM');
  }
}

/**
 * A published set holds public keys only, and jose picks one that fits the algorithm. Keys that
 * cannot be had are an UnavailableError: that says nothing of the token.
 */
function publishedKeys(uri: URL): TokenKeys {
  const find = createRemoteJWKSet(uri);
  return {
    algorithms: ['RS256', 'ES256'],
    secret: async (header) => {
      try {
        return KeyObject.from((await find(header)) as Parameters<typeof KeyObject.from>[0]);
      } catch (error) {
        if (isAboutTheToken(error)) throw error;
        throw new UnavailableError('the published keys cannot be had', { cause: error });
      }
    },
  };
}

function isAboutTheToken(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys || error instanceof errors.JOSENotSupported;
}
