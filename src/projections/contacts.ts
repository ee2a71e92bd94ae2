// The contacts' read model: one document a contact. Department, company, contact method, hierarchy
// and search are keys of it, so that one write changes all of them at once.

import { evolveContact, initialContact, type ContactState } from '../domain/contact.js';
import type { Entity } from '../domain/entity.js';
import { contactEventSchemas } from '../domain/events/contactEvents.js';
import type { Recorded } from '../domain/events/metadata.js';
import type { ContactEvent } from '../domain/events/registry.js';
import { foldText, searchableText } from '../domain/text.js';
import type { RecordedEvent } from '../ports/eventStore.js';
import type { DocumentKeys, Projection } from '../ports/projection.js';

export const contactsProjection: Projection = {
  name: 'contacts',
  version: 1,
  category: 'contact',
  subject: (event) =>
    isContactEvent(event) ? { organizationId: event.metadata.organizationId, id: event.data.contactId } : null,
  evolve: (document, event) => {
    if (!isContactEvent(event)) return document;
    const state: ContactState = document === null ? initialContact : { phase: 'live', contact: document };
    const next = evolveContact(state, event);
    return next.phase === 'live' ? next.contact : null;
  },
  keys: contactKeys,
};

/** What a contact can be found and sorted by. */
export function contactKeys(contact: Entity): DocumentKeys {
  const { metadata } = contact;
  return {
    ...entityKeys(contact),
    department: metadata.department === null ? null : foldText(metadata.department),
    contactMethod: metadata.preferredContactMethod,
    managerId: metadata.reportsTo,
  };
}

/** What any entity can be sorted by and searched for. */
export function entityKeys(entity: Entity): Pick<DocumentKeys, 'sortName' | 'searchable'> {
  const { name, displayName, email, phone } = entity;
  return { sortName: foldText(name), searchable: searchableText([name, displayName, email, phone], phone) };
}

function isContactEvent(event: RecordedEvent): event is Recorded<ContactEvent> {
  return Object.hasOwn(contactEventSchemas, event.type);
}
