// Keys of tokens side by side: the first signs, each verifies, and one that was taken away does not.

import { afterAll, expect, test } from '@jest/globals';
import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { readSettings } from '../../src/config.js';
import { signToken } from '../../src/cli/token.js';
import { startTestService, type TestService } from '../support/service.js';

const services: TestService[] = [];
afterAll(async () => {
  for (const service of services) await service.stop();
});

const start = async (environment: Record<string, string>) => {
  const service = await startTestService(environment);
  services.push(service);
  return async (token: string) => (await fetch(`${service.origin}/api/v1/contacts`, { headers: { Authorization: `Bearer ${token}` } })).status;
};

const claims = { organizationId: 'acme' };
const hs256 = (secret: string) => jwt.sign(claims, createSecretKey(secret, 'utf8'), { algorithm: 'HS256', expiresIn: 60 });

test('HS256 secrets side by side, again and again; `contacts token` signs with the first', async () => {
  const [newer, older] = ['the newer secret of two, no: of two', 'older'] as const;
  const secrets = `${newer.replaceAll(',', '')}, ${older}`;
  const status = await start({ JWT_SECRET: secrets });
  const signed = signToken(readSettings({ JWT_SECRET: secrets }), { organizationId: 'acme', sub: 'me', expires: '1h' });
  expect(jwt.verify(signed, newer.replaceAll(',', ''))).toMatchObject(claims);
  for (const token of [signed, hs256(older), hs256(older), hs256(secrets)]) expect(await status(token)).toBe(200);
  for (const secret of ['taken away', 'old', `${older},`]) expect(await status(hs256(secret))).toBe(401);
  await expect(startTestService({ JWT_SECRET: 'one,,two' })).rejects.toThrow('JWT_SECRET: one of the secrets is empty');
});

test('public keys side by side, of both kinds, each for its own algorithm', async () => {
  const rsa = [1, 2].map(() => generateKeyPairSync('rsa', { modulusLength: 2_048 }));
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = (pair: (typeof rsa)[number]) => pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const pems = [...rsa, ec].map(pem);
  const status = await start({ JWT_SECRET: '', JWT_PUBLIC_KEY: pems.join(',') });
  const other = await start({ JWT_SECRET: '', JWT_PUBLIC_KEY: pems.slice(1).join('').replaceAll('\n', '\\n') });
  const sign = (pair: (typeof rsa)[number], algorithm: 'RS256' | 'ES256') => jwt.sign(claims, pair.privateKey, { algorithm, expiresIn: 60 });
  const tokens = [...rsa.map((pair) => sign(pair, 'RS256')), sign(ec, 'ES256')];
  expect(await Promise.all(tokens.map(status))).toEqual([200, 200, 200]);
  expect(await Promise.all(tokens.map(other))).toEqual([401, 200, 200]);
  for (const text of pems) expect(await status(hs256(text))).toBe(401);
  await expect(startTestService({ JWT_SECRET: '', JWT_PUBLIC_KEY: `${pems[0]}-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n` })).rejects.toThrow(/JWT_PUBLIC_KEY/);
});
