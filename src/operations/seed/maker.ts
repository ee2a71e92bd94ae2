// Makes the companies and contacts of a seed, as the appends that creating them would have made. The
// same plan gives the same ids.

import { decideCompany, evolveCompany, initialCompany, type CompanyCommand } from '../../domain/company.js';
import { decideContact, initialContact } from '../../domain/contact.js';
import type { Decision } from '../../domain/decision.js';
import type { EventMetadata, Recorded } from '../../domain/events/metadata.js';
import { schemaVersionOf, type CompanyEvent, type DomainEvent } from '../../domain/events/registry.js';
import { companyStream, contactStream } from '../../domain/streams.js';
import type { NewAppend, NewEvent } from '../../ports/eventStore.js';
import { companyPatch, contactPatch, planCompany, type CompanyPlan } from './people.js';
import { Seeds, uuidAt } from './random.js';

export interface SeedPlan {
  organizationId: string;
  contacts: number;
  seed: number;
  /** When all of it is said to have happened, ISO 8601. */
  occurredAt: string;
}

/** What is written at a time: what is appended to so many new streams. */
export interface SeedGroup {
  contacts: NewAppend[];
  companies: NewAppend[];
}

/** The appends of a group in the order in which they are written. */
export const appendsOf = ({ contacts, companies }: SeedGroup): NewAppend[] => [...contacts, ...companies];

const kinds = { plan: 0, company: 1, contact: 2, companyId: 3, contactId: 4, eventId: 5, addressId: 6 } as const;

/** When the first of the made ids would have been made: they are told from those of real requests by it. */
const FIRST_ID_AT = Date.UTC(2020, 0, 1);

export class SeedMaker {
  private readonly seeds: Seeds;
  /** Of events by their type: one for all, so that it passes between threads once. */
  private readonly metadata = new Map<string, EventMetadata>();

  constructor(private readonly plan: SeedPlan) {
    this.seeds = new Seeds(plan.organizationId, String(plan.seed));
  }

  contactStream = (n: number): string => contactStream(this.plan.organizationId, this.id('contactId', n));

  /** The appends that make contacts from number `from` on, `size` at a time, and the companies that begin among them. */
  *groups(from: number, size: number): Iterable<SeedGroup> {
    let group: SeedGroup = { contacts: [], companies: [] };
    for (const { plan, number, first } of this.companies()) {
      const end = Math.min(first + plan.managers.length, this.plan.contacts);
      for (let n = Math.max(first, from); n < end; n += 1) {
        group.contacts.push(this.contact(plan, first, n, this.id('companyId', number)));
        if (n === first) group.companies.push(this.company(plan, number, first));
        if (group.contacts.length < size) continue;
        yield group;
        group = { contacts: [], companies: [] };
      }
    }
    if (group.contacts.length > 0) yield group;
  }

  /** Every company up to the last contact; `first` is the number of its first contact. */
  private *companies(): Iterable<{ plan: CompanyPlan; number: number; first: number }> {
    let first = 0;
    for (let number = 0; first < this.plan.contacts; number += 1) {
      const plan = planCompany(this.seeds.of(kinds.plan, number));
      yield { plan, number, first };
      first += plan.managers.length;
    }
  }

  private contact(plan: CompanyPlan, first: number, n: number, companyId: string): NewAppend {
    const index = n - first;
    const manager = plan.managers[index] ?? null;
    const reportsTo = manager === null ? null : this.id('contactId', first + manager);
    const patch = contactPatch(plan, { index, companyId, reportsTo }, this.seeds.of(kinds.contact, n));
    const facts = { manager: 'fits', parent: 'fits' } as const;
    const id = this.id('contactId', n);
    const decided = decideContact(initialContact, { type: 'create', id, patch, addressId: this.addressId(n), facts });
    return { stream: this.contactStream(n), expected: 'none', events: accepted(decided).map((event) => this.recorded(event, this.id('eventId', 3 * n))) };
  }

  /** The company and, at once, the head of it as its primary contact. */
  private company(plan: CompanyPlan, number: number, first: number): NewAppend {
    const id = this.id('companyId', number);
    const patch = companyPatch(plan, this.seeds.of(kinds.company, number));
    const stream = companyStream(this.plan.organizationId, id);
    const primary = { id: this.id('contactId', first), parentEntityId: id, archived: false };
    const commands: CompanyCommand[] = [
      { type: 'create', id, patch, addressId: this.addressId(-1 - number) },
      { type: 'setPrimary', contact: primary },
    ];
    let state = initialCompany;
    const events = commands.flatMap((command, revision) =>
      accepted(decideCompany(state, command)).map((event) => {
        const made = this.recorded(event, this.id('eventId', 3 * first + 1 + revision));
        state = evolveCompany(state, { ...made, stream, revision, position: '' } as Recorded<CompanyEvent>);
        return made;
      }),
    );
    return { stream, expected: 'none', events };
  }

  private recorded(event: DomainEvent, id: string): NewEvent {
    return { ...event, id, metadata: this.metadataOf(event) };
  }

  private metadataOf({ type }: DomainEvent): EventMetadata {
    const known = this.metadata.get(type);
    if (known !== undefined) return known;
    const { organizationId, seed, occurredAt } = this.plan;
    const request = `seed-${seed}`;
    const metadata = { organizationId, actor: { sub: 'seed' }, requestId: request, correlationId: request, causationId: null, occurredAt, schemaVersion: schemaVersionOf(type) };
    this.metadata.set(type, metadata);
    return metadata;
  }

  private id(kind: 'companyId' | 'contactId' | 'eventId' | 'addressId', n: number): string {
    return uuidAt(FIRST_ID_AT + Math.abs(n), this.seeds.of(kinds[kind], n));
  }

  private addressId(n: number): string {
    return `addr_${this.id('addressId', n).replaceAll('-', '')}`;
  }
}

function accepted<Event>(decision: Decision<Event>): Event[] {
  if (!decision.accepted) throw new TypeError(`the seed is refused: ${JSON.stringify(decision.rejection)}`);
  return decision.events;
}
