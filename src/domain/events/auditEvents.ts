// The event by which an organization's log vouches for itself.

import { z } from 'zod';

export const signedHeadSchema = z.object({
  /** How many of the organization's events it vouches for: all from the first on. */
  sequence: z.int().positive(),
  /** The link of the last of them. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** Where the last of them stands. */
  position: z.string(),
  at: z.iso.datetime(),
  signature: z.string(),
  keyFingerprint: z.string(),
});

export const auditEventSchemas = {
  AuditHeadSigned: signedHeadSchema,
} as const;
