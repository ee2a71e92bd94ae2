// The events of a company's stream.

import { z } from 'zod';
import { entityChangesSchema, entityFieldsSchema, statuses } from '../entity.js';

const companyId = z.string();
const entityTypes = z.array(z.string());

export const companyEventSchemas = {
  CompanyCreated: z.object({ companyId, company: entityFieldsSchema.extend({ entityTypes }) }),
  /** Only what changed, as a merge patch; a company's status is a field like any other. */
  CompanyUpdated: z.object({
    companyId,
    changes: entityChangesSchema.extend({ status: z.enum(statuses).optional(), entityTypes: entityTypes.optional() }),
  }),
  CompanyDeleted: z.object({ companyId }),
  PrimarySet: z.object({ companyId, contactId: z.string(), previousContactId: z.string().nullable() }),
  PrimaryCleared: z.object({ companyId, contactId: z.string() }),
} as const;
