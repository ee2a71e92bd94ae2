// `contacts token`: signs a token for trying the service, with its own HS256 secret.

import { createSecretKey } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { listOf, readSettings, type Settings } from '../config.js';
import { command } from './command.js';
import { withSecrets } from './secrets.js';
import { UsageError } from './usage.js';

const text = { type: 'string' } as const;

export const tokenCommand = command({
  synopsis: 'token --org ORG --sub SUB [--scope "SCOPE …"] [--expires 12h]',
  help: [
    'print a token for trying the service, signed with its secret',
    '--scope: what it allows; without, everything of the organization',
    '--expires: how long it is good: seconds, or a number with s, m, h or d',
  ],
  options: { org: text, sub: text, scope: text, expires: text },
  positionals: { min: 0, max: 0 },
  run: ({ org, sub, scope, expires }) => {
    if (org === undefined || org === '') throw new UsageError('token: --org is missing');
    if (sub === undefined || sub === '') throw new UsageError('token: --sub is missing');
    const settings = withSecrets(readSettings(process.env));
    console.log(signToken(settings, { organizationId: org, sub, scope, expires: expires ?? '12h' }));
  },
});

export interface TokenRequest {
  organizationId: string;
  sub: string;
  /** Scopes separated by spaces; undefined: everything of the organization. */
  scope?: string | undefined;
  /** How long it is good, as 3600 (seconds), 90m, 12h or 30d. */
  expires: string;
}

/** @throws UsageError when tokens are signed elsewhere, or the request does not fit */
export function signToken(settings: Settings, { organizationId, sub, scope, expires }: TokenRequest): string {
  if (settings.JWT_SECRET === undefined) throw new UsageError('tokens are signed elsewhere: JWT_SECRET is not set');
  const key = createSecretKey(listOf(settings.JWT_SECRET)[0] ?? '', 'utf8');
  const issuer = settings.JWT_ISSUER === undefined ? {} : { issuer: settings.JWT_ISSUER };
  const audience = settings.JWT_AUDIENCE === undefined ? {} : { audience: settings.JWT_AUDIENCE };
  const claims = { organizationId, ...(scope === undefined ? {} : { scope }) };
  return jwt.sign(claims, key, { algorithm: 'HS256', subject: sub, expiresIn: secondsOf(expires), ...issuer, ...audience });
}

const SECONDS: Record<string, number> = { '': 1, s: 1, m: 60, h: 3_600, d: 86_400 };

function secondsOf(expires: string): number {
  const match = /^(\d{1,9})([smhd]?)$/.exec(expires);
  if (match === null) throw new UsageError(`--expires ${expires}: must be seconds, or a number with s, m, h or d`);
  return Number(match[1]) * (SECONDS[match[2] ?? ''] ?? 1);
}
