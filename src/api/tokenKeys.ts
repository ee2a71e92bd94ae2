// The keys that tokens are verified with. The key fixes the algorithm; the token never does.

import { createPublicKey, createSecretKey, KeyObject } from 'node:crypto';
import type { Algorithm } from 'jsonwebtoken';
import { BadSettingError, listOf, type Settings } from '../config.js';
import { UnavailableError } from '../ports/errors.js';

/** Keys of which one must verify a token, or how to find the one a token's header names. */
export interface TokenKeys {
  algorithms: Algorithm[];
  secret: KeyObject[] | ((header: { alg: string; kid?: string }) => Promise<KeyObject>);
  /** For how long a token that was verified is taken to be, in ms; undefined where keys stay the same. */
  verifiedForMs?: number;
}

/** For how long a published key is taken to be one still: as long as jose keeps the set. */
const PUBLISHED_MS = 600_000;

type KeySettings = Pick<Settings, 'JWT_SECRET' | 'JWT_PUBLIC_KEY' | 'JWT_JWKS_URI'>;

/**
 * The keys that the settings name.
 * @throws BadSettingError when they name none, or one that cannot be used
 */
export function tokenKeys({ JWT_SECRET, JWT_PUBLIC_KEY, JWT_JWKS_URI }: KeySettings): TokenKeys {
  if (JWT_SECRET !== undefined) return { algorithms: ['HS256'], secret: secretsOf(JWT_SECRET).map((secret) => createSecretKey(secret, 'utf8')) };
  if (JWT_PUBLIC_KEY !== undefined) return publicKeys(JWT_PUBLIC_KEY);
  if (JWT_JWKS_URI !== undefined) return publishedKeys(new URL(JWT_JWKS_URI));
  throw new BadSettingError('JWT_SECRET, JWT_PUBLIC_KEY, JWT_JWKS_URI: one of them must be set');
}

/** Each of the list; and the whole, which is one secret where it holds a comma of its own. */
function secretsOf(value: string): string[] {
  const listed = listOf(value);
  if (listed.includes('')) throw new BadSettingError('JWT_SECRET: one of the secrets is empty');
  return [...new Set([...listed, value])];
}

const PEM = /-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g;

/** Each key verifies tokens of its own algorithm only, whatever stands beside it. */
function publicKeys(pems: string): TokenKeys {
  const secret = (pems.replaceAll('\\n', '\n').match(PEM) ?? ['']).map(readPem);
  const algorithms = secret.map(({ asymmetricKeyType: type }): Algorithm => {
    if (type === 'rsa') return 'RS256';
    if (type === 'ec') return 'ES256';
    throw new BadSettingError('JWT_PUBLIC_KEY: must be an RSA or P-256 key');
  });
  return { algorithms: [...new Set(algorithms)], secret };
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
  // Loaded by the first token: whoever publishes no keys does without.
  const load = async () => (await import('jose')).createRemoteJWKSet(uri);
  let keySet: ReturnType<typeof load> | undefined;
  return {
    algorithms: ['RS256', 'ES256'],
    verifiedForMs: PUBLISHED_MS,
    secret: async (header) => {
      try {
        return KeyObject.from((await (await (keySet ??= load()))(header)) as Parameters<typeof KeyObject.from>[0]);
      } catch (error) {
        if (isAboutTheToken(error)) throw error;
        throw new UnavailableError('the published keys cannot be had', { cause: error });
      }
    },
  };
}

/** The codes of jose's errors by which it says so. */
const tokenErrors: ReadonlySet<unknown> = new Set(['ERR_JWKS_NO_MATCHING_KEY', 'ERR_JWKS_MULTIPLE_MATCHING_KEYS', 'ERR_JOSE_NOT_SUPPORTED']);

function isAboutTheToken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && tokenErrors.has(error.code);
}
