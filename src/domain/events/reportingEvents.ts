// The events of an organization's reporting stream; see reportingLine.ts for what they are for.

import { z } from 'zod';

/** That a contact is to report to a manager by the event of the given revision of its stream. */
export const reportingClaimSchema = z.object({
  contactId: z.string(),
  managerId: z.string(),
  revision: z.int().nonnegative(),
});

export type ReportingClaim = z.infer<typeof reportingClaimSchema>;

export const reportingEventSchemas = {
  /** `pending` are the earlier claims of which it was not yet known whether they came true. */
  ReportingLineClaimed: reportingClaimSchema.extend({ pending: z.array(reportingClaimSchema) }),
} as const;
