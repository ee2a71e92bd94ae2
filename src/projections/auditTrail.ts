// The audit of an organization: the histories of its documents, and what operators had projections
// go past of its events. Of that there is little: it is read whole from its stream.

import { newestFirst } from '../domain/history.js';
import type { DomainEvent } from '../domain/events/registry.js';
import type { Recorded } from '../domain/events/metadata.js';
import { parseStream, projectionsStream, type StreamSubject } from '../domain/streams.js';
import type { EventStore, RecordedEvent } from '../ports/eventStore.js';
import type { AuditFilter, AuditItem, AuditPage, AuditPoint, HistoryStore } from '../ports/historyStore.js';

type Skipped = Recorded<Extract<DomainEvent, { type: 'ProjectionEventSkipped' }>>;

const idNames = { contact: 'contactId', company: 'companyId', webhook: 'webhookId' } as const;

export class AuditTrail {
  constructor(
    private readonly history: HistoryStore,
    private readonly events: EventStore,
  ) {}

  /** As `audit` of the history, with what was gone past. @throws UnavailableError */
  async page(organizationId: string, filter: AuditFilter, after: AuditPoint | null, limit: number): Promise<AuditPage> {
    const [told, skipped] = await Promise.all([this.history.audit(organizationId, filter, after, limit), this.skipped(organizationId, filter, after)]);
    if (skipped.length === 0) return told;
    // A page may hold fewer than asked for: what lies behind its last entry is of the next.
    const near = skipped.filter((item) => told.next === null || newestFirst(item, told.next) < 0);
    const all = [...told.items, ...near].sort(newestFirst);
    const items = all.slice(0, limit);
    const last = items.at(-1);
    const next = last !== undefined && (told.next !== null || all.length > limit) ? { at: last.at, id: last.id, revision: last.revision } : null;
    return { items, next };
  }

  private async skipped(organizationId: string, filter: AuditFilter, after: AuditPoint | null): Promise<AuditItem[]> {
    const found: AuditItem[] = [];
    for await (const batch of this.events.read(projectionsStream, 0)) {
      for (const event of batch.filter(isSkip)) {
        const subject = parseStream(event.data.stream);
        if (subject?.organizationId !== organizationId || !meets(event, subject, filter)) continue;
        const item = itemOf(event, subject);
        if (after === null || newestFirst(item, after) > 0) found.push(item);
      }
    }
    return found;
  }
}

function isSkip(event: RecordedEvent): event is Skipped {
  return event.type === 'ProjectionEventSkipped';
}

function meets({ type, metadata }: Skipped, { category, id }: StreamSubject, filter: AuditFilter): boolean {
  const { occurredAt: at, actor } = metadata;
  return (
    (filter.actor === null || filter.actor === actor.sub) &&
    (filter.type === null || filter.type === type) &&
    (filter.contactId === null || (category === 'contact' && filter.contactId === id)) &&
    (filter.companyId === null || (category === 'company' && filter.companyId === id)) &&
    (filter.since === null || filter.since <= at) &&
    (filter.until === null || filter.until >= at)
  );
}

/** The revision is that of the event that was gone past. */
function itemOf({ id: eventId, type, data, metadata }: Skipped, { category, id }: StreamSubject): AuditItem {
  const { projection, reason, revision } = data;
  const { occurredAt: at, actor, requestId } = metadata;
  const named = category in idNames ? { [idNames[category as keyof typeof idNames]]: id } : {};
  const changes = Object.entries({ projection, reason }).map(([field, to]) => ({ field, from: null, to }));
  return { at, id: eventId, revision, text: JSON.stringify({ ...named, eventId, type, revision, at, actor: { sub: actor.sub }, requestId, changes }) };
}
