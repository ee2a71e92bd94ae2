// How documents look in answers: the full shape, and the short shapes of the spec's examples.
// Every field is present, null when unset.

import type { z } from 'zod';
import type { Entity } from '../domain/entity.js';
import { fullView as entityView } from '../domain/fullView.js';
import type { ChartContact } from '../ports/readStore.js';
import type {
  companyContactSchema,
  departmentContactSchema,
  FullView,
  hierarchyContactSchema,
  methodContactSchema,
  primarySchema,
} from './schemas/views.js';

type View<Schema extends z.ZodType, Shown = Entity> = (shown: Shown) => z.infer<Schema>;

/** The full shape of a contact or a company. */
export const fullView: (entity: Entity) => FullView = entityView;

/** In the hierarchy map. */
export const hierarchyView: View<typeof hierarchyContactSchema, ChartContact> = ({ id, name, displayName, metadata: { title, department } }) => ({
  id,
  name,
  displayName,
  metadata: { title, department },
});

/** Among the contacts of a company. */
export const companyContactView: View<typeof companyContactSchema> = ({ id, name, displayName, email, phone, metadata, status }) => ({
  id,
  name,
  displayName,
  email,
  phone,
  metadata: { title: metadata.title, department: metadata.department },
  status,
});

/** Among the contacts of a department. */
export const departmentView: View<typeof departmentContactSchema> = ({ id, name, displayName, email, metadata: { title, department } }) => ({
  id,
  name,
  displayName,
  email,
  metadata: { title, department },
});

/** Among the contacts that prefer a contact method. */
export const contactMethodView: View<typeof methodContactSchema> = ({ id, name, email, phone, metadata: { preferredContactMethod } }) => ({
  id,
  name,
  email,
  phone,
  metadata: { preferredContactMethod },
});

/** The answer of set-primary. */
export const primaryView = (contact: Entity, company: Entity): z.infer<typeof primarySchema> => ({
  contact: {
    id: contact.id,
    name: contact.name,
    displayName: contact.displayName,
    email: contact.email,
    parentEntityId: contact.parentEntityId,
  },
  company: { id: company.id, name: company.name, primaryContactId: company.primaryContactId },
});
