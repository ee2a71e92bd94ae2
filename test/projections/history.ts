// Histories: any commands on a few contacts and companies, and the events that the deciders made of them.

import fc from 'fast-check';
import { decideCompany, evolveCompany, initialCompany, type CompanyCommand, type CompanyState } from '../../src/domain/company.js';
import { decideContact, evolveContact, initialContact, type ContactCommand, type ContactState } from '../../src/domain/contact.js';
import type { EntityPatch } from '../../src/domain/entity.js';
import type { Recorded } from '../../src/domain/events/metadata.js';
import type { CompanyEvent, ContactEvent } from '../../src/domain/events/registry.js';
import { companyStream, contactStream } from '../../src/domain/streams.js';
import type { RecordedEvent } from '../../src/ports/eventStore.js';
import { eventMetadata } from '../contract/samples.js';

const organizations = ['acme', 'a', 'a-b'];
const ids = ['one', 'two', 'three'];

const text = fc.constantFrom('Zoë', 'zoe', 'Sales', '+44 20 1', '');
const patch: fc.Arbitrary<EntityPatch> = fc.record(
  {
    email: fc.option(text, { nil: null }),
    phone: fc.option(text, { nil: null }),
    parentEntityId: fc.constantFrom('one', 'two', null),
    status: fc.constantFrom('active', 'inactive', 'archived'),
    customFields: fc.option(fc.dictionary(fc.constantFrom('__proto__', 'a', 'b'), fc.option(text, { nil: null }), { maxKeys: 3 }), { nil: null }),
    address: fc.option(fc.record({ city: text }), { nil: null }),
    metadata: fc.record({ department: fc.option(text, { nil: null }), reportsTo: fc.constantFrom('one', 'two', null) }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);

const facts = { manager: 'fits', parent: 'fits' } as const;
const contactCommand = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(patch, text).map(([said, name]) => (id: string): ContactCommand => ({ type: 'create', id, patch: { ...said, name }, addressId: 'addr', facts })) },
  { weight: 5, arbitrary: patch.map((said) => (): ContactCommand => ({ type: 'update', patch: said, addressId: 'addr', facts })) },
  { weight: 1, arbitrary: fc.constant((): ContactCommand => ({ type: 'delete' })) },
  { weight: 1, arbitrary: fc.constant((): ContactCommand => ({ type: 'leaveManager', managerId: 'one' })) },
  { weight: 1, arbitrary: fc.constant((): ContactCommand => ({ type: 'fenceReportingLine' })) },
);
const companyCommand = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(patch, text).map(([said, name]) => (id: string): CompanyCommand => ({ type: 'create', id, patch: { ...said, name, roles: ['Vendor'] }, addressId: 'addr' })) },
  { weight: 3, arbitrary: patch.map((said) => (): CompanyCommand => ({ type: 'update', patch: said, addressId: 'addr' })) },
  { weight: 1, arbitrary: fc.constant((): CompanyCommand => ({ type: 'delete' })) },
  { weight: 3, arbitrary: fc.constantFrom('one', 'two').map((contactId) => (id: string): CompanyCommand => ({ type: 'setPrimary', contact: { id: contactId, parentEntityId: id, archived: false } })) },
  { weight: 1, arbitrary: fc.constant((): CompanyCommand => ({ type: 'clearPrimary', contactId: 'one' })) },
);

/** One command on one aggregate, as a step of `History`. */
type Step = (history: History) => void;

const on = fc.tuple(fc.constantFrom(...organizations), fc.constantFrom(...ids));
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(on, contactCommand).map(([[organization, id], command]): Step => (history) => history.contact(organization, id, command(id))),
  fc.tuple(on, companyCommand).map(([[organization, id], command]): Step => (history) => history.company(organization, id, command(id))),
);

/** Carries out commands one after another in memory; `events` is the log. */
class History {
  readonly events: RecordedEvent[] = [];
  private readonly contacts = new Map<string, ContactState>();
  private readonly companies = new Map<string, CompanyState>();
  private readonly revisions = new Map<string, number>();

  contact(organizationId: string, id: string, command: ContactCommand): void {
    const stream = contactStream(organizationId, id);
    const decision = decideContact(this.contacts.get(stream) ?? initialContact, command);
    for (const event of decision.accepted ? decision.events : []) {
      this.contacts.set(stream, evolveContact(this.contacts.get(stream) ?? initialContact, this.record(organizationId, stream, event)));
    }
  }

  company(organizationId: string, id: string, command: CompanyCommand): void {
    const stream = companyStream(organizationId, id);
    const decision = decideCompany(this.companies.get(stream) ?? initialCompany, command);
    for (const event of decision.accepted ? decision.events : []) {
      this.companies.set(stream, evolveCompany(this.companies.get(stream) ?? initialCompany, this.record(organizationId, stream, event)));
    }
  }

  /** What stands of each living aggregate, by the deciders' own folds. */
  living(): { contacts: ContactState[]; companies: CompanyState[] } {
    const live = <State extends { phase: string }>(states: Map<string, State>) => [...states.values()].filter(({ phase }) => phase === 'live');
    return { contacts: live(this.contacts), companies: live(this.companies) };
  }

  private record<Event extends ContactEvent | CompanyEvent>(organizationId: string, stream: string, event: Event): Recorded<Event> {
    const revision = (this.revisions.get(stream) ?? -1) + 1;
    this.revisions.set(stream, revision);
    const position = String(this.events.length + 1);
    const at = new Date(Date.parse('2026-03-01T10:00:00Z') + this.events.length * 1_000).toISOString();
    const recorded = { ...event, id: `e${position}`, stream, revision, position, metadata: eventMetadata(organizationId, at) };
    this.events.push(recorded as unknown as RecordedEvent);
    return recorded;
  }
}

/** Any history of up to `maxLength` commands. */
export const histories = (maxLength = 40): fc.Arbitrary<History> =>
  fc.array(step, { minLength: 1, maxLength }).map((steps) => {
    const history = new History();
    for (const next of steps) next(history);
    return history;
  });
