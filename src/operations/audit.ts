// Checks the events against what was chained and signed.

import { z } from 'zod';
import { HeadKeys } from '../chain/headKeys.js';
import { verifyChain } from '../chain/verifyChain.js';
import { listOf } from '../config.js';
import { signedHeadSchema } from '../domain/events/auditEvents.js';
import type { Operation } from './operation.js';

/** A head as `GET /audit/head` gives it. */
export const auditHeadSchema = signedHeadSchema.extend({ organizationId: z.string() });

export type AuditHead = z.infer<typeof auditHeadSchema>;

const resultSchema = z.object({
  events: z.number(),
  organizations: z.number(),
  heads: z.number(),
  unknownHeads: z.number(),
  waiting: z.number(),
  finding: z
    .object({
      kind: z.enum(['changed', 'dropped', 'added', 'moved', 'forged']),
      organizationId: z.string(),
      sequence: z.number().nullable(),
      position: z.string().nullable(),
      stream: z.string().nullable(),
      eventId: z.string().nullable(),
      note: z.string().nullable(),
    })
    .nullable(),
});

export type AuditResult = z.infer<typeof resultSchema>;

export const auditOperation: Operation<{ head: AuditHead | null }, AuditResult> = {
  name: 'verify audit',
  params: z.object({ head: auditHeadSchema.nullable() }),
  result: resultSchema,
  run: async ({ platform: { log, chain }, settings }, { head }, report, signal) => {
    const keys = new HeadKeys(listOf(settings.ENCRYPTION_KEY ?? ''));
    const told = (done: number, total: number) => report({ done, total, unit: 'events' });
    return verifyChain({ log, chain, keys, outside: head, report: told, signal });
  },
};
