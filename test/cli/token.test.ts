// `contacts token`: what it signs, and what it refuses.

import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, jest, test } from '@jest/globals';
import jwt from 'jsonwebtoken';
import { main } from '../../src/main.js';
import { temporaryFolder } from '../support/folder.js';
import { binary, JWT_SECRET } from '../support/service.js';

const environmentBefore = { ...process.env };
const umaskBefore = process.umask();
afterEach(() => {
  process.env = { ...environmentBefore };
  process.exitCode = undefined;
  process.umask(umaskBefore);
});

/** Runs the command line in this process, with nothing in its environment but `environment`. */
async function contacts(args: string[], environment: Record<string, string> = { JWT_SECRET }) {
  process.env = { DATA_DIR: temporaryFolder(), ...environment };
  process.exitCode = 0;
  const out = jest.spyOn(console, 'log').mockImplementation(() => undefined);
  const error = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  try {
    await main(args);
    const text = (spy: typeof out) => spy.mock.calls.map((line) => `${line.join(' ')}\n`).join('');
    return { code: Number(process.exitCode), out: text(out), error: text(error) };
  } finally {
    out.mockRestore();
    error.mockRestore();
  }
}

const claimsOf = (token: string, secret = JWT_SECRET) => jwt.verify(token.trim(), secret, { algorithms: ['HS256'] }) as jwt.JwtPayload;

test('a token for an organization and an actor, good for twelve hours', async () => {
  const { code, out, error } = await contacts(['token', '--org', 'org_1', '--sub', 'me']);
  expect({ code, error }).toEqual({ code: 0, error: '' });
  const claims = claimsOf(out);
  expect(claims).toEqual({ organizationId: 'org_1', sub: 'me', iat: expect.any(Number), exp: (claims.iat ?? 0) + 12 * 3_600 });
});

test('it is all that the command prints, so that a shell can take it', () => {
  const out = execFileSync(process.execPath, [binary, 'token', '--org', 'o', '--sub', 's'], { env: { JWT_SECRET, DATA_DIR: temporaryFolder() } }).toString();
  expect(out).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  expect(claimsOf(out)).toMatchObject({ organizationId: 'o' });
});

test.each([
  ['90', 90],
  ['45s', 45],
  ['90m', 5_400],
  ['2h', 7_200],
  ['30d', 2_592_000],
])('--expires %s', async (expires, seconds) => {
  const { iat = 0, exp } = claimsOf((await contacts(['token', '--org', 'o', '--sub', 's', '--expires', expires])).out);
  expect(exp).toBe(iat + seconds);
});

test('scopes, issuer and audience stand in it', async () => {
  const scope = 'contacts:read companies:read';
  const environment = { JWT_SECRET, JWT_ISSUER: 'https://issuer', JWT_AUDIENCE: 'contacts' };
  const { out } = await contacts(['token', '--scope', scope, '--sub=s', '--org=o'], environment);
  expect(claimsOf(out)).toMatchObject({ organizationId: 'o', sub: 's', scope, iss: 'https://issuer', aud: 'contacts' });
});

test.each([
  [['token', '--sub', 's'], '--org is missing'],
  [['token', '--org', '', '--sub', 's'], '--org is missing'],
  [['token', '--org', 'o'], '--sub is missing'],
  [['token', '--org', 'o', '--sub', 's', '--expires', 'tomorrow'], '--expires tomorrow'],
  [['token', '--org', 'o', '--sub', 's', '--expires', '-1h'], '--expires'],
  [['token', '--org', 'o', '--sub', 's', '--expires', '1.5h'], '--expires 1.5h'],
  [['token', '--org', 'o', '--sub', 's', '--colour', 'red'], '--colour'],
  [['token', '--org', 'o', '--sub', 's', 'more'], 'more'],
  [['token', '--org'], '--org'],
  [['tokens'], 'no such command: tokens'],
])('%j is refused by one clear line', async (args, said) => {
  const { code, out, error } = await contacts(args);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(error).toMatch(/^contacts: [^\n]+\n$/);
  expect(error).toContain(said);
});

test('where tokens are signed elsewhere there is none to be had', async () => {
  const environment = { JWT_JWKS_URI: 'https://issuer.example/keys' };
  const { code, out, error } = await contacts(['token', '--org', 'o', '--sub', 's'], environment);
  expect(code).not.toBe(0);
  expect({ out, error }).toEqual({ out: '', error: expect.stringContaining('JWT_SECRET is not set') });
});

test('in production no secret is made up', async () => {
  const { code, out, error } = await contacts(['token', '--org', 'o', '--sub', 's'], { NODE_ENV: 'production' });
  expect(code).not.toBe(0);
  expect({ out, error }).toEqual({ out: '', error: expect.stringContaining('JWT_SECRET') });
});

test('without a secret one is made, for its owner alone, and used again', async () => {
  const DATA_DIR = temporaryFolder();
  const first = await contacts(['token', '--org', 'o', '--sub', 's'], { DATA_DIR });
  const second = await contacts(['token', '--org', 'o', '--sub', 's'], { DATA_DIR });
  const file = join(DATA_DIR, 'jwt-secret');
  const secret = readFileSync(file, 'utf8').trim();
  for (const { out } of [first, second]) expect(claimsOf(out, secret)).toMatchObject({ organizationId: 'o' });
  expect(Buffer.from(secret, 'base64')).toHaveLength(32);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});
