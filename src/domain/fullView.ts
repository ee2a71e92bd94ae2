// The full shape of an entity, as answers of the API and payloads of webhooks show it: every field
// present, null when unset.

import type { Entity } from './entity.js';

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
