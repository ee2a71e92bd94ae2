// Settings: each bad one names itself, and production does not start without keys.

import { describe, expect, test } from '@jest/globals';
import { BadSettingError, readSettings } from '../../src/config.js';

const key = Buffer.alloc(32, 1).toString('base64');
const production = { NODE_ENV: 'production', JWT_SECRET: 'x'.repeat(32), ENCRYPTION_KEY: key };

function refusal(environment: Record<string, string>): string {
  try {
    readSettings(environment);
  } catch (error) {
    if (error instanceof BadSettingError) return error.message;
    throw error;
  }
  return 'accepted';
}

test('nothing need be set', () => {
  expect(readSettings({})).toMatchObject({ PORT: 3000, HOST: '127.0.0.1', DATA_DIR: './data', RATE_LIMIT_PER_HOUR: 1000, RATE_LIMIT_PER_MINUTE: 100, LOG_LEVEL: 'info' });
});

test('an empty setting is as unset, one the service does not know is left alone', () => {
  expect(readSettings({ PORT: '', JWT_SECRET: '', ENCRYPTION_KEY: '', PATH: '/bin', PORTT: 'x' })).toEqual(readSettings({}));
});

test.each([
  ['PORT', 'http'],
  ['PORT', '70000'],
  ['PORT', '-1'],
  ['EVENTSTORE_URL', 'not a url'],
  ['MONGODB_URL', 'not a url'],
  ['JWT_JWKS_URI', 'not a url'],
  ['ENCRYPTION_KEY', 'short'],
  ['ENCRYPTION_KEY', Buffer.alloc(31).toString('base64')],
  ['RATE_LIMIT_PER_HOUR', '1e3'],
  ['RATE_LIMIT_PER_MINUTE', '-5'],
  ['AUTH_FAILURES_PER_MINUTE', 'many'],
  ['STRICT_PARENT_ENTITY', 'yes'],
  ['TRUST_PROXY', '1'],
  ['WEBHOOK_ALLOW_PRIVATE_NETWORKS', 'TRUE'],
  ['WEBHOOK_RETRY_SCHEDULE', '5;10'],
  ['LOG_LEVEL', 'loud'],
])('%s=%s is refused by its name', (name, value) => {
  expect(refusal({ [name]: value })).toMatch(new RegExp(`^${name}: `));
});

test('all bad settings are named at once, and none of their values is shown', () => {
  const message = refusal({ PORT: 'secret1', ENCRYPTION_KEY: 'secret2', TRUST_PROXY: 'secret3' });
  expect(message.split('\n').map((line) => line.split(':')[0])).toEqual(['PORT', 'ENCRYPTION_KEY', 'TRUST_PROXY']);
  expect(message).not.toContain('secret');
});

test('two keys of tokens contradict each other', () => {
  expect(refusal({ JWT_SECRET: 'x'.repeat(32), JWT_PUBLIC_KEY: 'y' })).toMatch(/^JWT_SECRET and JWT_PUBLIC_KEY: /);
});

describe('production', () => {
  test('starts with a key of tokens and an encryption key', () => {
    expect(readSettings(production)).toMatchObject({ NODE_ENV: 'production', ENCRYPTION_KEY: key });
  });

  test.each(['JWT_SECRET', 'ENCRYPTION_KEY'])('refuses to start without %s', (name) => {
    expect(refusal({ ...production, [name]: '' })).toMatch(new RegExp(`^[^:]*\\b${name}\\b.*: .*production`));
  });
});
