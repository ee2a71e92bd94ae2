// Appends signed heads to the log.

import { auditHeadStream } from '../domain/streams.js';
import { signedHeadSchema } from '../domain/events/auditEvents.js';
import { schemaVersionOf } from '../domain/events/registry.js';
import type { ChainEnd, SignedHead } from '../ports/chainStore.js';
import type { Clock, Ids } from '../ports/clock.js';
import type { EventLog, StoredEvent } from '../ports/eventLog.js';
import type { EventStore, NewEvent } from '../ports/eventStore.js';
import type { HeadKeys } from './headKeys.js';

/** Who heads say has made them. */
const ACTOR = 'audit';

export interface HeadSignerDeps {
  log: EventLog;
  events: EventStore;
  keys: HeadKeys;
  clock: Clock;
  ids: Ids;
}

export class HeadSigner {
  constructor(private readonly deps: HeadSignerDeps) {}

  /** Appends a head that covers all events up to `end`, unless there is one or the chain cannot be vouched for: whoever changed its end must not get that signed. @throws UnavailableError */
  async append(end: ChainEnd): Promise<void> {
    const { log, events, keys, clock } = this.deps;
    const { organizationId, sequence, hash, position } = end;
    // An event of no organization was written by another program: it is chained, and vouched for by the end alone.
    if (organizationId === '' || keys.checkEnd(end) !== 'good') return;
    const stream = auditHeadStream(organizationId);
    const last = await log.last(stream);
    if ((headOf(last)?.sequence ?? 0) >= end.lastEvent) return;
    const now = clock.now().toISOString();
    const lastAt = last?.metadata.occurredAt ?? '';
    const head = keys.sign({ organizationId, sequence, hash, position, at: now > lastAt ? now : lastAt });
    // Whoever else appends one at this moment covers the same.
    await events.commit(stream, last?.revision ?? 'none', [this.eventOf(head)]);
  }

  private eventOf({ organizationId, ...data }: SignedHead): NewEvent {
    const id = this.deps.ids.next();
    const schemaVersion = schemaVersionOf('AuditHeadSigned');
    const metadata = { organizationId, actor: { sub: ACTOR }, requestId: id, correlationId: id, causationId: null, occurredAt: data.at, schemaVersion };
    return { type: 'AuditHeadSigned', data, id, metadata };
  }
}

/** The head that a stored event holds; null when it is none. */
export function headOf(event: StoredEvent | null): SignedHead | null {
  if (event === null || !isHead(event)) return null;
  const parsed = signedHeadSchema.safeParse(event.data);
  return parsed.success ? { organizationId: event.metadata.organizationId, ...parsed.data } : null;
}

/** Whether an event is one of its organization's heads. */
export function isHead({ type, stream, metadata }: StoredEvent): boolean {
  return type === 'AuditHeadSigned' && stream === auditHeadStream(metadata.organizationId);
}
