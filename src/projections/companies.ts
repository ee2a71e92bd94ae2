// The companies' read model: one document a company, its primary contact among the keys.

import { evolveCompany, initialCompany, type CompanyState } from '../domain/company.js';
import { companyEventSchemas } from '../domain/events/companyEvents.js';
import type { Recorded } from '../domain/events/metadata.js';
import type { CompanyEvent } from '../domain/events/registry.js';
import type { RecordedEvent } from '../ports/eventStore.js';
import type { Projection } from '../ports/projection.js';
import { entityKeys } from './contacts.js';

export const companiesProjection: Projection = {
  name: 'companies',
  version: 1,
  category: 'company',
  subject: (event) =>
    isCompanyEvent(event) ? { organizationId: event.metadata.organizationId, id: event.data.companyId } : null,
  evolve: (document, event) => {
    if (!isCompanyEvent(event)) return document;
    const state: CompanyState = document === null ? initialCompany : { phase: 'live', company: document };
    const next = evolveCompany(state, event);
    return next.phase === 'live' ? next.company : null;
  },
  keys: (company) => ({ ...entityKeys(company), department: null, contactMethod: null, managerId: null }),
};

function isCompanyEvent(event: RecordedEvent): event is Recorded<CompanyEvent> {
  return Object.hasOwn(companyEventSchemas, event.type);
}
