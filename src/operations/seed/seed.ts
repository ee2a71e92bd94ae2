// Fills an organization with companies and contacts that look real, by the events that creating
// them would have made. The same seed gives the same ids, so that running again goes on where it was.

import { z } from 'zod';
import { decideCompany, evolveCompany, initialCompany, type CompanyCommand } from '../../domain/company.js';
import { decideContact, initialContact } from '../../domain/contact.js';
import type { Decision } from '../../domain/decision.js';
import type { Recorded } from '../../domain/events/metadata.js';
import { schemaVersionOf, type CompanyEvent, type DomainEvent } from '../../domain/events/registry.js';
import { companyStream, contactStream } from '../../domain/streams.js';
import type { NewAppend, NewEvent } from '../../ports/eventStore.js';
import type { Host, Operation, Report } from '../operation.js';
import { companyPatch, contactPatch, planCompany, type CompanyPlan } from './people.js';
import { Seeds, uuidAt } from './random.js';

/** How many contacts are written at a time: the more the faster, but requests must get their turn between. */
const GROUP = { alone: 5_000, besideRequests: 250 };

const paramsSchema = z.object({
  organizationId: z.string().min(1).max(200),
  contacts: z.int().positive().max(100_000_000),
  seed: z.int().nonnegative(),
});

const resultSchema = z.object({
  /** How many were made now, and how many contacts of this seed were there before. */
  contacts: z.number(),
  companies: z.number(),
  before: z.number(),
});

type SeedParams = z.infer<typeof paramsSchema>;
type SeedResult = z.infer<typeof resultSchema>;

/** What is written at a time: what is appended to so many new streams. */
interface Group {
  contacts: NewAppend[];
  companies: NewAppend[];
}

export const seedOperation: Operation<SeedParams, SeedResult> = {
  name: 'seed',
  params: paramsSchema,
  result: resultSchema,
  fills: true,
  run: seed,
};

async function seed(host: Host, params: SeedParams, report: Report, signal: AbortSignal): Promise<SeedResult> {
  const maker = new SeedMaker(params, host.clock.now().toISOString());
  const exists = async (stream: string) => (await host.platform.log.last(stream)) !== null;
  const before = await firstMissing(params.contacts, (n) => exists(maker.contactStream(n)));
  // The group that was being written when an earlier run was ended may be there in part.
  let done = Math.max(0, before - GROUP.alone);
  const made = { contacts: 0, companies: 0 };
  for (const group of maker.groups(done, host.alone ? GROUP.alone : GROUP.besideRequests)) {
    report({ done, total: params.contacts, unit: 'contacts' });
    signal.throwIfAborted();
    const missing = done < before ? await missingOf(group, exists) : group;
    await host.events.commitMany([...missing.contacts, ...missing.companies]);
    done += group.contacts.length;
    made.contacts += missing.contacts.length;
    made.companies += missing.companies.length;
  }
  report({ done, total: params.contacts, unit: 'contacts' });
  return { ...made, before: params.contacts - made.contacts };
}

/** The appends of a group whose streams do not exist. */
async function missingOf({ contacts, companies }: Group, exists: (stream: string) => Promise<boolean>): Promise<Group> {
  const missing = async (appends: NewAppend[]) => {
    const known = await Promise.all(appends.map(({ stream }) => exists(stream)));
    return appends.filter((_, index) => known[index] === false);
  };
  return { contacts: await missing(contacts), companies: await missing(companies) };
}

/** The smallest number below `count` of which `has` is false, when it is true of all before; `count` when there is none. */
async function firstMissing(count: number, has: (n: number) => Promise<boolean>): Promise<number> {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (await has(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

const kinds = { plan: 0, company: 1, contact: 2, companyId: 3, contactId: 4, eventId: 5, addressId: 6 } as const;

/** When the first of the made ids would have been made: they are told from those of real requests by it. */
const FIRST_ID_AT = Date.UTC(2020, 0, 1);

class SeedMaker {
  private readonly seeds: Seeds;

  constructor(
    private readonly params: SeedParams,
    private readonly occurredAt: string,
  ) {
    this.seeds = new Seeds(params.organizationId, String(params.seed));
  }

  contactStream = (n: number): string => contactStream(this.params.organizationId, this.id('contactId', n));

  /** The appends that make contacts from number `from` on, `size` at a time, and the companies that begin among them. */
  *groups(from: number, size: number): Iterable<Group> {
    let group: Group = { contacts: [], companies: [] };
    for (const { plan, number, first } of this.companies()) {
      const end = Math.min(first + plan.managers.length, this.params.contacts);
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
    for (let number = 0; first < this.params.contacts; number += 1) {
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
    const stream = companyStream(this.params.organizationId, id);
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
    const { organizationId, seed } = this.params;
    const request = `seed-${seed}`;
    const metadata = {
      organizationId,
      actor: { sub: 'seed' },
      requestId: request,
      correlationId: request,
      causationId: null,
      occurredAt: this.occurredAt,
      schemaVersion: schemaVersionOf(event.type),
    };
    return { ...event, id, metadata };
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
