// The events of a contact's stream.

import { z } from 'zod';
import { entityChangesSchema, entityFieldsSchema, statuses } from '../entity.js';

const contactId = z.string();

export const contactEventSchemas = {
  ContactCreated: z.object({ contactId, contact: entityFieldsSchema }),
  /** Only what changed, as a merge patch. */
  ContactUpdated: z.object({ contactId, changes: entityChangesSchema }),
  ContactStatusChanged: z.object({ contactId, from: z.enum(statuses), to: z.enum(statuses) }),
  ContactDeleted: z.object({ contactId }),
  /** The whole contact again, so that read models need not keep deleted ones; and the manager that it had, where it has lost it since. */
  ContactRestored: z.object({ contactId, contact: entityFieldsSchema, createdAt: z.iso.datetime(), formerManager: z.string().optional() }),
  ContactErased: z.object({ contactId, reason: z.string() }),
  /** Changes nothing but the revision: a claim that was never fulfilled can no longer be. See reportingLine.ts. */
  ReportingLineFenced: z.object({ contactId }),
} as const;
