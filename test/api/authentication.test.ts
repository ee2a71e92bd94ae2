// Who is let in: tokens of every kind, what they must say, and what they allow.

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KeyObject } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Client, startTestService, type TestService } from '../support/service.js';
import { ecPair, goodClaims, hs256, now, pemOf, rsaPair, signed, unsigned } from '../support/tokens.js';
import { expectError } from './errorShape.js';
import { rawRequest } from './rawRequest.js';

const rsa = rsaPair();
const ec = ecPair();

/** Whether each token gets in. */
async function statusOf(service: TestService, token: string): Promise<number> {
  return (await new Client(`${service.origin}/api/v1`, token).get('/contacts')).status;
}

describe('by shared secret', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(() => service.stop());

  test.each([
    ['none', undefined],
    ['an empty one', ''],
    ['no scheme', hs256(goodClaims())],
    ['another scheme', `Basic ${hs256(goodClaims())}`],
    ['no token', 'Bearer '],
    ['two tokens', `Bearer ${hs256(goodClaims())} ${hs256(goodClaims())}`],
    ['no JWT', 'Bearer nonsense'],
    ['no JSON in it', 'Bearer YQ.YQ.YQ'],
    ['a long one', `Bearer ${'a'.repeat(10_000)}`],
    ['latin letters', 'Bearer é.é.é'],
  ])('an Authorization with %s is refused', async (_, header) => {
    const reply = await rawRequest(`${service.origin}/api/v1/contacts`, 'GET', header === undefined ? {} : { Authorization: header });
    const headers = new Headers(Object.entries(reply.headers).map(([name, value]): [string, string] => [name, String(value)]));
    expectError({ status: reply.status, headers, body: JSON.parse(reply.text) }, 401, 'UNAUTHORIZED', []);
    expect(headers.get('WWW-Authenticate')).toBe('Bearer');
  });

  test.each([
    ['is good', () => hs256(goodClaims()), 200],
    ['never expires', () => hs256({ organizationId: 'o', sub: 's' }), 200],
    ['names nobody', () => hs256({ organizationId: 'o' }), 200],
    ['says org_id', () => hs256({ org_id: 'o' }), 200],
    ['expired a second ago', () => hs256({ ...goodClaims(), exp: now() - 1 }), 401],
    ['expires now', () => hs256({ ...goodClaims(), exp: now() }), 401],
    ['expires at no number', () => hs256({ ...goodClaims(), exp: 'tomorrow' }), 401],
    ['is not good yet', () => hs256({ ...goodClaims(), nbf: now() + 60 }), 401],
    ['is signed by another secret', () => hs256(goodClaims(), 'another secret'), 401],
    ['is signed by an empty secret', () => hs256(goodClaims(), ''), 401],
    ['was changed', () => hs256(goodClaims()).replace(/\.[^.]*\./, `.${Buffer.from(JSON.stringify({ ...goodClaims(), organizationId: 'x' })).toString('base64url')}.`), 401],
    ['has no signature', () => unsigned(goodClaims()), 401],
    ['has no signature and says HS256', () => unsigned(goodClaims(), 'HS256'), 401],
    ['says alg None', () => unsigned(goodClaims(), 'None'), 401],
    ['says HS512', () => hs256(goodClaims(), undefined, { alg: 'HS512' }), 401],
    ['is signed by a key pair', () => signed(goodClaims(), rsa.privateKey), 401],
    ['brings its own key', () => signed(goodClaims(), ec.privateKey, { jwk: ec.publicKey.export({ format: 'jwk' }) }), 401],
    ['must not be taken by who does not understand "exp"', () => hs256(goodClaims(), undefined, { alg: 'HS256', crit: ['exp'] }), 401],
    ['must not be taken by who does not understand "b64"', () => hs256(goodClaims(), undefined, { alg: 'HS256', b64: true, crit: ['b64'] }), 401],
    ['has nothing critical in its header', () => hs256(goodClaims(), undefined, { alg: 'HS256', crit: [] }), 401],
    ['has another header that may be passed over', () => hs256(goodClaims(), undefined, { alg: 'HS256', cty: 'x' }), 200],
    ['names no organization', () => hs256({ sub: 's' }), 401],
    ['names an empty organization', () => hs256({ organizationId: '' }), 401],
    ['names an empty organization and another', () => hs256({ organizationId: '', org_id: 'o' }), 401],
    ['names an organization with a NUL', () => hs256({ organizationId: 'o\0' }), 401],
    ['names somebody with a NUL', () => hs256({ ...goodClaims(), sub: 's\0' }), 401],
    ['names somebody by half a character', () => hs256({ ...goodClaims(), sub: '\ud800' }), 401],
    ['names a number', () => hs256({ organizationId: 7 }), 401],
    ['names a list', () => hs256({ organizationId: ['o'] }), 401],
    ['names null', () => hs256({ organizationId: null }), 401],
    ['has a scope that is none', () => hs256({ ...goodClaims(), scope: 7 }), 401],
    ['has no claims', () => hs256([]), 401],
  ])('a token that %s', async (_, token, status) => {
    expect(await statusOf(service, token())).toBe(status);
  });

  test('a remembered token is good no longer than it says', async () => {
    const exp = now() + 2;
    const token = hs256({ ...goodClaims(), exp });
    expect(await statusOf(service, token)).toBe(200);
    expect(await statusOf(service, token)).toBe(200);
    await sleep(exp * 1000 - Date.now() + 20);
    expect(await statusOf(service, token)).toBe(401);
  });

  test('tokens that differ in their signature only are not the same token', async () => {
    const token = hs256(goodClaims());
    expect(await statusOf(service, token)).toBe(200);
    const flipped = token.at(-2) === 'A' ? 'B' : 'A';
    expect(await statusOf(service, `${token.slice(0, -2)}${flipped}${token.slice(-1)}`)).toBe(401);
  });
});

describe('by a public key', () => {
  test.each([
    ['RS256', rsa, pemOf(rsa.publicKey)],
    ['RS256, the key on one line', rsa, pemOf(rsa.publicKey).replaceAll('\n', '\\n')],
    ['ES256', ec, pemOf(ec.publicKey)],
  ])('%s', async (_, pair, pem) => {
    const service = await startTestService({ JWT_SECRET: '', JWT_PUBLIC_KEY: pem });
    try {
      expect(await statusOf(service, signed(goodClaims(), pair.privateKey))).toBe(200);
      const other = pair === rsa ? ec : rsa;
      const bad = [
        signed(goodClaims(), other.privateKey),
        signed({ ...goodClaims(), exp: now() - 1 }, pair.privateKey),
        // The public key taken for a shared secret, in every form somebody may have it in.
        ...[pemOf(pair.publicKey), pemOf(pair.publicKey).trim(), pem, pair.publicKey.export({ type: 'spki', format: 'der' })].map((key) => hs256(goodClaims(), key)),
        hs256(goodClaims()),
        unsigned(goodClaims()),
        unsigned(goodClaims(), 'RS256'),
      ];
      for (const token of bad) expect(await statusOf(service, token)).toBe(401);
    } finally {
      await service.stop();
    }
  });
});

describe('by published keys', () => {
  let publisher: Server;
  let published: { status: number; keys: object[] };
  let asked = 0;
  let service: TestService;
  const jwk = (key: KeyObject, kid: string, alg: string) => ({ ...key.export({ format: 'jwk' }), kid, alg, use: 'sig' });
  beforeAll(async () => {
    published = { status: 200, keys: [jwk(rsa.publicKey, 'r', 'RS256'), jwk(ec.publicKey, 'e', 'ES256'), { kty: 'oct', kid: 'o', k: 'c2VjcmV0', alg: 'HS256' }] };
    publisher = createServer((_, response) => {
      asked += 1;
      response.writeHead(published.status, { 'Content-Type': 'application/json' }).end(JSON.stringify({ keys: published.keys }));
    });
    await once(publisher.listen(0, '127.0.0.1'), 'listening');
    service = await startTestService({ JWT_SECRET: '', JWT_JWKS_URI: uri() });
  });
  afterAll(async () => {
    await service.stop();
    publisher.close();
  });
  const uri = () => `http://127.0.0.1:${(publisher.address() as AddressInfo).port}/keys`;

  test('tokens are good that one of them signed, and no others', async () => {
    expect(await statusOf(service, signed(goodClaims(), rsa.privateKey, { kid: 'r' }))).toBe(200);
    expect(await statusOf(service, signed(goodClaims(), ec.privateKey, { kid: 'e' }))).toBe(200);
    const bad = [
      signed(goodClaims(), ec.privateKey, { kid: 'r' }),
      signed(goodClaims(), rsaPair().privateKey, { kid: 'r' }),
      signed(goodClaims(), rsaPair().privateKey, { kid: 'unknown' }),
      hs256(goodClaims(), 'secret', { alg: 'HS256', kid: 'o' }),
      hs256(goodClaims(), pemOf(rsa.publicKey), { alg: 'HS256', kid: 'r' }),
      unsigned(goodClaims()),
      'nonsense',
    ];
    for (const token of bad) expect(await statusOf(service, token)).toBe(401);
  });

  test('strangers with unknown keys do not make it ask again and again', async () => {
    const before = asked;
    for (let tried = 0; tried < 20; tried += 1) await statusOf(service, signed(goodClaims(), ec.privateKey, { kid: `k${tried}` }));
    expect(asked - before).toBeLessThanOrEqual(1);
  });

  test('a key that is withdrawn makes its tokens bad within minutes, and one that cannot be had those that are known not at all', async () => {
    const keys = published.keys;
    const [withdrawn, kept] = [signed({ ...goodClaims(), exp: now() + 7_200 }, rsa.privateKey, { kid: 'r' }), signed({ ...goodClaims(), exp: now() + 3_000 }, ec.privateKey, { kid: 'e' })];
    for (const token of [withdrawn, kept]) expect(await statusOf(service, token)).toBe(200);
    const realNow = Date.now;
    const later = (minutes: number) => jest.spyOn(Date, 'now').mockImplementation(() => realNow() + minutes * 60_000);
    try {
      published.status = 500;
      later(11);
      for (const token of [withdrawn, kept]) expect(await statusOf(service, token)).toBe(200);
      published = { status: 200, keys: keys.slice(1) };
      expect(await statusOf(service, kept)).toBe(200);
      later(22);
      expect(await statusOf(service, withdrawn)).toBe(401);
      expect(await statusOf(service, kept)).toBe(200);
      published.status = 500;
      later(51);
      expect(await statusOf(service, kept)).not.toBe(200);
    } finally {
      jest.restoreAllMocks();
      published = { status: 200, keys };
    }
  });

  test('while they cannot be had the answer is 503, not that the token is bad', async () => {
    published.status = 500;
    const late = await startTestService({ JWT_SECRET: '', JWT_JWKS_URI: uri(), RATE_LIMIT_PER_HOUR: '1000', AUTH_FAILURES_PER_MINUTE: '1' });
    try {
      const client = new Client(`${late.origin}/api/v1`, signed(goodClaims(), rsa.privateKey, { kid: 'r' }));
      for (let tried = 0; tried < 3; tried += 1) expectError(await client.get('/contacts'), 503, 'SERVICE_UNAVAILABLE', []);
      published.status = 200;
      expect((await client.get('/contacts')).status).toBe(200);
    } finally {
      published.status = 200;
      await late.stop();
    }
  });
});

test('issuer and audience are checked when they are set', async () => {
  const service = await startTestService({ JWT_ISSUER: 'https://issuer', JWT_AUDIENCE: 'contacts' });
  try {
    const good = { ...goodClaims(), iss: 'https://issuer', aud: 'contacts' };
    expect(await statusOf(service, hs256(good))).toBe(200);
    expect(await statusOf(service, hs256({ ...good, aud: ['other', 'contacts'] }))).toBe(200);
    expect((await service.client().get('/contacts')).status).toBe(401);
    for (const wrong of [{ iss: 'https://other' }, { iss: undefined }, { aud: 'other' }, { aud: undefined }, { aud: [] }]) {
      expect(await statusOf(service, hs256({ ...good, ...wrong }))).toBe(401);
    }
  } finally {
    await service.stop();
  }
});
