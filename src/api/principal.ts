// Who a token speaks for, and what it allows.

import { z } from 'zod';
import { SERVICE_ORGANIZATION } from '../domain/streams.js';
import { ApiError } from './errors.js';

export const scopes = [
  'contacts:read',
  'contacts:write',
  'contacts:erase',
  'companies:read',
  'companies:write',
  'webhooks:manage',
  'audit:read',
  'events:read',
] as const;

export type Scope = (typeof scopes)[number];

export interface Principal {
  organizationId: string;
  /** The actor; `unknown` when the token names none. */
  sub: string;
  /** What the token allows; null: everything of its organization. */
  scopes: ReadonlySet<string> | null;
}

/** Text that every store gives back as it was: Unicode without NUL. */
const name = z.string().refine((text) => text.isWellFormed() && !text.includes('\0'));
const organization = name.min(1).max(200).refine((id) => id !== SERVICE_ORGANIZATION);

const claimsSchema = z.object({
  organizationId: organization.optional(),
  org_id: organization.optional(),
  sub: name.max(500).optional(),
  scope: z.union([z.string().transform((scope) => scope.split(' ')), z.array(z.string())]).optional(),
});

/** Who verified claims speak for; undefined when they name no organization or do not fit. */
export function principalFrom(claims: unknown): Principal | undefined {
  const parsed = claimsSchema.safeParse(claims);
  if (!parsed.success) return undefined;
  const { organizationId = parsed.data.org_id, sub = 'unknown', scope } = parsed.data;
  if (organizationId === undefined) return undefined;
  return { organizationId, sub, scopes: scope === undefined ? null : new Set(scope) };
}

/** @throws ApiError FORBIDDEN when the token does not allow `scope` */
export function requireScope({ scopes: allowed }: Principal, scope: Scope): void {
  if (allowed === null || allowed.has(scope)) return;
  throw new ApiError('FORBIDDEN', `The token does not allow ${scope}`);
}
