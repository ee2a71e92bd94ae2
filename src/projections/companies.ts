// The companies' read model: one document a company, its primary contact among the keys.

import { evolveCompany, initialCompany, type CompanyState } from '../domain/company.js';
import { companyEventSchemas } from '../domain/events/companyEvents.js';
import type { Recorded } from '../domain/events/metadata.js';
import type { CompanyEvent } from '../domain/events/registry.js';
import { changesOf } from '../domain/history.js';
import { companyKeys } from '../domain/keys.js';
import type { RecordedEvent } from '../ports/eventStore.js';
import type { Projection } from '../ports/projection.js';

export const companiesProjection: Projection = {
  name: 'companies',
  version: 2,
  category: 'company',
  subject: (event) =>
    isCompanyEvent(event) ? { organizationId: event.metadata.organizationId, id: event.data.companyId } : null,
  evolve: (document, event) => {
    if (!isCompanyEvent(event)) return document;
    const state: CompanyState = document === null ? initialCompany : { phase: 'live', company: document };
    const next = evolveCompany(state, event);
    return next.phase === 'live' ? next.company : null;
  },
  keys: companyKeys,
  changed: (before, event, after) => {
    if (event.type === 'CompanyCreated') return 'first version';
    return after === null ? [] : changesOf(before, after);
  },
};

function isCompanyEvent(event: RecordedEvent): event is Recorded<CompanyEvent> {
  return Object.hasOwn(companyEventSchemas, event.type);
}
