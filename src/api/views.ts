// How documents look in answers: the full shape, and the short shapes of the spec's examples.
// Every field is present, null when unset.

import type { Entity } from '../domain/entity.js';

/** The full shape of a contact or a company. */
export function fullView(entity: Entity) {
  const { id, organizationId, name, displayName, code, entityTypes, email, phone, website } = entity;
  const { address, parentEntityId, primaryContactId, taxId, description, notes } = entity;
  const { customFields, metadata, status, createdAt, updatedAt } = entity;
  return {
    id,
    organizationId,
    name,
    displayName,
    code,
    entityTypes,
    email,
    phone,
    website,
    address,
    parentEntityId,
    primaryContactId,
    taxId,
    description,
    notes,
    customFields,
    metadata,
    status,
    isActive: status === 'active',
    createdAt,
    updatedAt,
  };
}

/** In the hierarchy map. */
export const hierarchyView = ({ id, name, displayName, metadata: { title, department } }: Entity) => ({
  id,
  name,
  displayName,
  metadata: { title, department },
});

/** Among the contacts of a company. */
export const companyContactView = ({ id, name, displayName, email, phone, metadata, status }: Entity) => ({
  id,
  name,
  displayName,
  email,
  phone,
  metadata: { title: metadata.title, department: metadata.department },
  status,
});

/** Among the contacts of a department. */
export const departmentView = ({ id, name, displayName, email, metadata: { title, department } }: Entity) => ({
  id,
  name,
  displayName,
  email,
  metadata: { title, department },
});

/** Among the contacts that prefer a contact method. */
export const contactMethodView = ({ id, name, email, phone, metadata: { preferredContactMethod } }: Entity) => ({
  id,
  name,
  email,
  phone,
  metadata: { preferredContactMethod },
});

/** The answer of set-primary. */
export const primaryView = (contact: Entity, company: Entity) => ({
  contact: {
    id: contact.id,
    name: contact.name,
    displayName: contact.displayName,
    email: contact.email,
    parentEntityId: contact.parentEntityId,
  },
  company: { id: company.id, name: company.name, primaryContactId: company.primaryContactId },
});
