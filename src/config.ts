// Settings, from the environment. Every setting the service knows is named here, and nowhere else.

import { z } from 'zod';

/** A setting that cannot be used; the message names each and says why. */
export class BadSettingError extends Error {
  override readonly name = 'BadSettingError';
}

const flag = z.enum(['true', 'false'], { error: 'must be true or false' }).transform((value) => value === 'true');
const count = z.string().regex(/^\d{1,9}$/, 'must be a whole number, 0 or more').transform(Number);
const url = z.url({ error: 'must be a URL' });
// Lists of hosts, which either kind of string may hold, are no URLs.
const eventStoreUrl = z.string().regex(/^esdb(\+discover)?:\/\/[^/]/, 'must begin with esdb:// or esdb+discover:// and a host');
const mongoUrl = z.string().regex(/^mongodb(\+srv)?:\/\/[^/]/, 'must begin with mongodb:// or mongodb+srv:// and a host');
const encryptionKey = z
  .string()
  .refine((value) => listOf(value).every((key) => Buffer.from(key, 'base64').length === 32), 'must be 32 bytes in base64, or several separated by commas');
const schedule = z
  .string()
  .regex(/^\d+(\.\d+)?(\s*,\s*\d+(\.\d+)?)*$/, 'must be seconds, separated by commas')
  .transform((value) => value.split(',').map(Number));
const origins = z.string().transform(listOf);

const environmentSchema = z.object({
  NODE_ENV: z.string().default('development').describe('`production` makes no secrets: `ENCRYPTION_KEY` and one `JWT_…` key must be set'),
  PORT: count.default(3000).refine((port) => port <= 65_535, 'must be at most 65535').describe('Port to listen on; 0: a free one'),
  HOST: z.string().default('127.0.0.1').describe('Address to listen on'),
  DATA_DIR: z.string().default('./data').describe('Folder of the embedded store and of secrets made here; one process at a time uses it'),
  EVENTSTORE_URL: eventStoreUrl.optional().describe('EventStoreDB to keep events in, instead of the embedded store'),
  MONGODB_URL: mongoUrl.optional().describe('MongoDB to keep read models in, instead of the embedded store'),
  JWT_SECRET: z.string().optional().describe('Secret of HS256 tokens, or several separated by commas: the first signs; outside production one is made once in `DATA_DIR`'),
  JWT_PUBLIC_KEY: z.string().optional().describe('Instead: public key (PEM) of RS256 or ES256 tokens, or several one after the other'),
  JWT_JWKS_URI: url.optional().describe('Instead: where the public keys of RS256 or ES256 tokens are published'),
  JWT_ISSUER: z.string().optional().describe('The `iss` that tokens must have, when set'),
  JWT_AUDIENCE: z.string().optional().describe('The `aud` that tokens must have, when set'),
  ENCRYPTION_KEY: encryptionKey.optional().describe('32 bytes, base64: wraps the keys of personal data, which are lost with it; several separated by commas: the first wraps; outside production one is made once in `DATA_DIR`'),
  RATE_LIMIT_PER_HOUR: count.default(1000).describe('Requests an hour per organization; 0: no limit'),
  RATE_LIMIT_PER_MINUTE: count.default(100).describe('Requests a minute per organization; 0: no limit'),
  AUTH_FAILURES_PER_MINUTE: count.default(60).describe('Failed authentications a minute per address; 0: no limit'),
  STRICT_PARENT_ENTITY: flag.default(false).describe('Whether `parentEntityId`, of contacts and of companies, must be a known company'),
  TRUST_PROXY: flag.default(false).describe('Whether a reverse proxy stands in front: the last address in `X-Forwarded-For` is then the client’s'),
  CORS_ORIGINS: origins.optional().describe('Origins that browsers may call from, separated by commas; unset: none'),
  WEBHOOK_ALLOW_PRIVATE_NETWORKS: flag.default(false).describe('Whether webhooks may go to private addresses and by http'),
  WEBHOOK_RETRY_SCHEDULE: schedule.optional().describe('Seconds between tries of a delivery, separated by commas; unset: those of Standard Webhooks, from 5 s to a day'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info').describe('How much is logged: JSON lines on standard output, no personal data, no token'),
});

/** What a setting lists that may name several, separated by commas. */
export function listOf(value: string): string[] {
  return value.split(',').map((item) => item.trim());
}

/** A setting as an operator reads of it. */
export interface SettingDescription {
  name: string;
  /** As it would be set; undefined when there is none. */
  defaultValue: string | undefined;
  meaning: string;
}

/** Every setting, in the order of this file. */
export function describeSettings(): SettingDescription[] {
  return Object.entries(environmentSchema.shape).map(([name, schema]) => {
    const value: unknown = schema.safeParse(undefined).data;
    return { name, defaultValue: value === undefined ? undefined : String(value), meaning: schema.description ?? '' };
  });
}

export type Settings = z.infer<typeof environmentSchema>;

/**
 * The settings that `environment` makes; an empty value is as unset.
 * @throws BadSettingError naming every setting that is wrong
 */
export function readSettings(environment: Record<string, string | undefined>): Settings {
  const given = Object.entries(environment).filter(([, value]) => value !== undefined && value !== '');
  const parsed = environmentSchema.safeParse(Object.fromEntries(given));
  if (!parsed.success) throw new BadSettingError(parsed.error.issues.map(describeIssue).join('\n'));
  const settings = parsed.data;
  const keys = ['JWT_SECRET', 'JWT_PUBLIC_KEY', 'JWT_JWKS_URI'] as const;
  const set = keys.filter((key) => settings[key] !== undefined);
  if (set.length > 1) throw new BadSettingError(`${set.join(' and ')}: only one of them can be set`);
  if (settings.NODE_ENV === 'production') {
    if (set.length === 0) throw new BadSettingError(`${keys.join(', ')}: one of them must be set in production`);
    if (settings.ENCRYPTION_KEY === undefined) throw new BadSettingError('ENCRYPTION_KEY: must be set in production');
  }
  return settings;
}

function describeIssue({ path, message }: z.core.$ZodIssue): string {
  return `${path.join('.')}: ${message}`;
}
