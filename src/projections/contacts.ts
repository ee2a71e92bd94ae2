// The contacts' read model: one document a contact. Department, company, contact method, hierarchy
// and search are keys of it, so that one write changes all of them at once.

import { evolveContact, initialContact, type ContactState } from '../domain/contact.js';
import { contactEventSchemas } from '../domain/events/contactEvents.js';
import type { Recorded } from '../domain/events/metadata.js';
import type { ContactEvent } from '../domain/events/registry.js';
import { changesOf } from '../domain/history.js';
import type { JsonObject } from '../domain/json.js';
import { contactKeys } from '../domain/keys.js';
import type { RecordedEvent } from '../ports/eventStore.js';
import type { Projection } from '../ports/projection.js';

export const contactsProjection: Projection = {
  name: 'contacts',
  version: 2,
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
  changed: (before, event, after) => {
    if (event.type === 'ReportingLineFenced') return null;
    if (event.type === 'ContactCreated') return 'first version';
    // A deletion changes no field, and what is restored is what was deleted, but for a manager who no longer fits.
    if (after === null) return [];
    if (event.type === 'ContactRestored') {
      const { formerManager: from } = event.data;
      return from === undefined ? [] : [{ field: 'metadata.reportsTo', from, to: after.metadata.reportsTo }];
    }
    return changesOf(before, after, event.type === 'ContactUpdated' ? (event.data.changes as JsonObject) : null);
  },
};

function isContactEvent(event: RecordedEvent): event is Recorded<ContactEvent> {
  return Object.hasOwn(contactEventSchemas, event.type);
}
