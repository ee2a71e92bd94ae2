// Claims of reporting lines: the side of domain/reportingLine.ts that reads and writes.

import { setTimeout as sleep } from 'node:timers/promises';
import { decideContact, type ContactFacts } from '../domain/contact.js';
import type { ReportingClaim } from '../domain/events/reportingEvents.js';
import { schemaVersionOf } from '../domain/events/registry.js';
import { walkUp, type WalkResult } from '../domain/reportingLine.js';
import { contactStream, reportingStream } from '../domain/streams.js';
import type { NewEvent, RecordedEvent } from '../ports/eventStore.js';
import { turn } from '../ports/turns.js';
import { contactAggregate, loadContact } from './aggregates.js';
import type { CommandContext, CommandHandler } from './handle.js';
import { KeyedQueue } from './keyedQueue.js';

/** How long a claim that stands in the way may take to come true before it is fenced, in ms. */
const FENCE_AFTER_MS = 1_000;
const LOOK_AGAIN_MS = 20;
/** How many steps up lines are made before others have their turn: some milliseconds. */
const STEPS_AT_A_TIME = 200;

/** What stands in the way of a line at one moment, and the moment: the last event of the reporting stream. */
interface Look {
  last: RecordedEvent | null;
  pending: ReportingClaim[];
  walk: WalkResult;
}

export class ReportingLines {
  private readonly queue = new KeyedQueue();
  /** How many steps up lines were made. */
  private steps = 0;

  constructor(private readonly handler: CommandHandler) {}

  /** Whether a new contact may report to `managerId`: it closes no cycle, so the manager need only exist. */
  async lookUp(organizationId: string, managerId: string): Promise<ContactFacts['manager']> {
    const { state } = await loadContact(this.handler, organizationId, managerId);
    return state.phase === 'live' ? 'fits' : 'unknown';
  }

  /** Whether an existing contact may report to `claim.managerId` as things stand; claims nothing. */
  async check(organizationId: string, claim: ReportingClaim): Promise<ContactFacts['manager']> {
    const known = await this.lookUp(organizationId, claim.managerId);
    if (known !== 'fits') return known;
    const { walk } = await this.look(organizationId, claim);
    return walk.outcome === 'cycle' ? 'cycle' : 'fits';
  }

  /**
   * Claims that an existing contact will report to `claim.managerId`, a contact. After 'fits' its
   * event must be appended at the claimed revision or not at all.
   * @throws UnavailableError
   */
  async claim(context: CommandContext, claim: ReportingClaim): Promise<'fits' | 'cycle'> {
    const { organizationId } = context;
    const fenceAt = Date.now() + FENCE_AFTER_MS;
    for (;;) {
      const attempt = await this.queue.run(organizationId, () => this.attempt(context, claim));
      if (attempt === 'claimed') return 'fits';
      if (attempt === 'conflict') continue;
      if (attempt.outcome === 'cycle') return 'cycle';
      if (Date.now() > fenceAt) await this.fence(context, attempt.claim);
      else await sleep(LOOK_AGAIN_MS);
    }
  }

  private async attempt(context: CommandContext, claim: ReportingClaim) {
    const { organizationId, actor, requestId, correlationId, causationId } = context;
    const { last, pending, walk } = await this.look(organizationId, claim);
    if (walk.outcome !== 'clear') return walk;
    const { clock, ids, events } = this.handler;
    const type = 'ReportingLineClaimed';
    const occurredAt = clock.now().toISOString();
    const schemaVersion = schemaVersionOf(type);
    const metadata = { organizationId, actor, requestId, correlationId, causationId, occurredAt, schemaVersion };
    const claimed: NewEvent = { type, data: { ...claim, pending }, id: ids.next(), metadata };
    const stream = reportingStream(organizationId);
    const end = events.endAfter(stream, last?.revision ?? -1);
    const result = await events.commit(stream, end === -1 ? 'none' : end, [claimed]);
    return result.outcome === 'appended' ? 'claimed' : 'conflict';
  }

  private async look(organizationId: string, { contactId, managerId }: ReportingClaim): Promise<Look> {
    const last = await this.handler.events.last(reportingStream(organizationId));
    const pending = await this.unsettled(organizationId, claimsOf(last));
    const walk = await walkUp(contactId, managerId, (id) => this.managerOf(organizationId, id), pending);
    return { last, pending, walk };
  }

  /** The claims whose revision the contact's stream has not reached. */
  private async unsettled(organizationId: string, claims: readonly ReportingClaim[]): Promise<ReportingClaim[]> {
    const contacts = await Promise.all(claims.map((claim) => loadContact(this.handler, organizationId, claim.contactId)));
    return claims.filter((claim, index) => (contacts[index]?.end ?? -1) < claim.revision);
  }

  private async managerOf(organizationId: string, id: string): Promise<string | null> {
    // A long line of which all is in memory would be gone up in one piece.
    this.steps += 1;
    if (this.steps % STEPS_AT_A_TIME === 0) await turn();
    const { state } = await loadContact(this.handler, organizationId, id);
    return state.phase === 'live' ? state.contact.metadata.reportsTo : null;
  }

  /** Takes the claimed revision, so that whoever claimed it must look again. */
  private async fence(context: CommandContext, { contactId, revision }: ReportingClaim): Promise<void> {
    const fencing = { ...context, reserved: undefined, ifRevisions: [revision - 1], unlessRevisions: undefined };
    const stream = contactStream(context.organizationId, contactId);
    await this.handler.executeAtOnce(contactAggregate, stream, fencing, ({ state }) =>
      decideContact(state, { type: 'fenceReportingLine' }),
    );
  }
}

function claimsOf(event: RecordedEvent | null): ReportingClaim[] {
  if (event?.type !== 'ReportingLineClaimed') return [];
  const { pending, ...claim } = event.data;
  return [...pending, claim];
}
