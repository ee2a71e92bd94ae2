// What follows from an event elsewhere: reports lose a deleted manager, a company loses a primary
// contact that was deleted, moved or archived. Each follows by an event of its own that names its
// cause. Of an erased contact, the key is destroyed and what is kept of it elsewhere.
//
// Doing it twice does nothing twice, so that it can be done at once, by the command, and
// again by a subscription, which also catches what a crash or a race left undone.

import { setTimeout as sleep } from 'node:timers/promises';
import { decideCompany } from '../domain/company.js';
import { decideContact } from '../domain/contact.js';
import { accept } from '../domain/decision.js';
import { schemaVersionOf, type DomainEvent } from '../domain/events/registry.js';
import { companyStream, contactStream } from '../domain/streams.js';
import type { StoredEvent } from '../ports/eventLog.js';
import type { RecordedEvent } from '../ports/eventStore.js';
import { UnavailableError } from '../ports/errors.js';
import type { ReadStore } from '../ports/readStore.js';
import { companyAggregate, contactAggregate, loadContact } from './aggregates.js';
import type { Erasure } from './erasure.js';
import type { CommandContext, CommandHandler } from './handle.js';

/** How many reports a command waits for; the rest follow. */
export const FOLLOW_AT_ONCE = 1_000;
const REPORTS_AT_A_TIME = 100;
const FRUITLESS_ROUNDS = 100;
const LOOK_AGAIN_MS = 20;

/** The types of events that something may follow from. */
const causes: ReadonlySet<string> = new Set<DomainEvent['type']>([
  'ContactCreated',
  'ContactUpdated',
  'ContactStatusChanged',
  'ContactDeleted',
  'ContactRestored',
  'ContactErased',
  'PrimarySet',
]);

/** Whether something may follow from a stored event, told before it is decrypted. */
export function isCause({ type, data, metadata }: StoredEvent): boolean {
  if (type !== 'ContactCreated' || metadata.schemaVersion !== schemaVersionOf(type)) return causes.has(type);
  // By far the most events: a new contact, which matters only when it names a manager.
  const { contact } = data as { contact?: { metadata?: { reportsTo?: unknown } } };
  return contact?.metadata?.reportsTo !== null;
}

export class Reactions {
  constructor(
    private readonly handler: CommandHandler,
    private readonly readStore: ReadStore,
    private readonly erasure: Erasure,
  ) {}

  /** Carries out what follows from a command's own events, up to 1,000 reports. @throws UnavailableError */
  async followAtOnce(events: readonly RecordedEvent[]): Promise<void> {
    for (const event of events) {
      if (isGone(event)) await this.releaseReports(event, FOLLOW_AT_ONCE);
      if (isGone(event) || leavesCompany(event)) await this.clearPrimaries(event);
    }
  }

  /** Carries out all that follows from `event`, if it is not done yet. @throws UnavailableError */
  async follow(event: RecordedEvent): Promise<void> {
    if (event.type === 'ContactErased') await this.erasure.purge(event.metadata.organizationId, event.data.contactId);
    if (isGone(event)) await this.releaseReports(event, Number.POSITIVE_INFINITY);
    if (isGone(event) || leavesCompany(event)) await this.clearPrimaries(event);
    if (event.type === 'PrimarySet') await this.clearUnfit(event, event.data.companyId, event.data.contactId);
    const line = namedLine(event);
    if (line !== null) await this.leaveIfGone(event, line);
  }

  private async releaseReports(cause: ContactCause, limit: number): Promise<void> {
    const { contactId: managerId } = cause.data;
    for (let released = 0, fruitless = 0; released < limit; ) {
      const ids = await this.readStore.reportsOf(cause.metadata.organizationId, managerId, REPORTS_AT_A_TIME);
      const left = await Promise.all(ids.map((id) => this.leaveManager(cause, id, managerId)));
      released += ids.length;
      if (ids.length < REPORTS_AT_A_TIME) return;
      // Somebody else releases them, too: more may stand behind those that are shown for a moment yet.
      fruitless = left.includes(true) ? 0 : fruitless + 1;
      if (fruitless > FRUITLESS_ROUNDS) throw new UnavailableError('the reports of a deleted contact are still shown');
      if (fruitless > 0) await sleep(LOOK_AGAIN_MS);
    }
  }

  private async leaveIfGone(cause: RecordedEvent, { contactId, managerId }: Line): Promise<void> {
    const { state } = await loadContact(this.handler, cause.metadata.organizationId, managerId);
    if (state.phase !== 'live') await this.leaveManager(cause, contactId, managerId);
  }

  /** Whether the contact did report to `managerId`. */
  private async leaveManager(cause: RecordedEvent, id: string, managerId: string): Promise<boolean> {
    const context = following(cause);
    const { organizationId } = context;
    const outcome = await this.handler.execute(contactAggregate, contactStream(organizationId, id), context, async ({ state }) => {
      // Restored meanwhile, it may have reports again.
      const manager = await loadContact(this.handler, organizationId, managerId);
      return manager.state.phase === 'live' ? accept() : decideContact(state, { type: 'leaveManager', managerId });
    });
    return outcome.done && outcome.events.length > 0;
  }

  private async clearPrimaries(cause: ContactCause): Promise<void> {
    const { contactId } = cause.data;
    const companies = await this.readStore.companiesWithPrimary(cause.metadata.organizationId, contactId);
    for (const companyId of companies) await this.clearUnfit(cause, companyId, contactId);
  }

  /** Clears the company's primary contact unless it is fit to be: alive, of that company, not archived. */
  private async clearUnfit(cause: RecordedEvent, companyId: string, contactId: string): Promise<void> {
    const context = following(cause);
    const { organizationId } = context;
    await this.handler.execute(companyAggregate, companyStream(organizationId, companyId), context, async (company) => {
      // Back meanwhile, it may have been made primary again.
      const { state } = await loadContact(this.handler, organizationId, contactId);
      const fit = state.phase === 'live' && state.contact.parentEntityId === companyId && state.contact.status !== 'archived';
      return fit ? accept() : decideCompany(company.state, { type: 'clearPrimary', contactId });
    });
  }
}

interface Line {
  contactId: string;
  managerId: string;
}

type ContactCause = Extract<RecordedEvent, { data: { contactId: string } }>;

function isGone(event: RecordedEvent): event is ContactCause & { type: 'ContactDeleted' | 'ContactErased' } {
  return event.type === 'ContactDeleted' || event.type === 'ContactErased';
}

function leavesCompany(event: RecordedEvent): event is ContactCause {
  if (event.type === 'ContactStatusChanged') return event.data.to === 'archived';
  return event.type === 'ContactUpdated' && event.data.changes.parentEntityId !== undefined;
}

/** The line that the event draws; null when it draws none. */
function namedLine(event: RecordedEvent): Line | null {
  const managerId = namedManager(event);
  return managerId === null || !('contactId' in event.data) ? null : { contactId: event.data.contactId, managerId };
}

function namedManager(event: RecordedEvent): string | null {
  if (event.type === 'ContactUpdated') return event.data.changes.metadata?.reportsTo ?? null;
  if (event.type === 'ContactCreated' || event.type === 'ContactRestored') return event.data.contact.metadata.reportsTo;
  return null;
}

/** The context of what follows: the cause's actor and request, and the cause itself. */
function following({ id, metadata }: RecordedEvent): CommandContext {
  const { organizationId, actor, requestId, correlationId } = metadata;
  return { organizationId, actor, requestId, correlationId, causationId: id };
}
