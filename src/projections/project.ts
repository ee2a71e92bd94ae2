// Runs a projection over events: which documents they concern, and what becomes of each.

import type { RecordedEvent } from '../ports/eventStore.js';
import type { Change, Changes, DocumentSubject, HistoryEntry, Projection, Version, Versioned } from '../ports/projection.js';
import { companiesProjection } from './companies.js';
import { contactsProjection } from './contacts.js';
import { endpointsProjection } from './endpoints.js';
import { noSkips, type Skips } from './skips.js';

/** Every projection there is. Each shows events of streams of its own. */
export const projections: readonly Projection[] = [contactsProjection, companiesProjection, endpointsProjection];

/** An event that cannot follow on what the read model shows: one between them is missing. */
export class ProjectionGapError extends Error {
  override readonly name = 'ProjectionGapError';
}

/** The events of a batch that concern one document. */
export interface SubjectEvents extends DocumentSubject {
  events: RecordedEvent[];
}

/** The events that concern `projection`, by document, in the order in which documents are first met. */
export function bySubject(projection: Projection, events: readonly RecordedEvent[]): SubjectEvents[] {
  const subjects = new Map<string, SubjectEvents>();
  for (const event of events) {
    const subject = projection.subject(event);
    if (subject === null) continue;
    const known = subjects.get(event.stream);
    if (known === undefined) subjects.set(event.stream, { ...subject, events: [event] });
    else known.events.push(event);
  }
  return [...subjects.values()];
}

/**
 * What the events make of one document; null when it has seen them all.
 * @throws ProjectionGapError when they do not follow on its revision, but for what `skips` goes past
 */
export function changeOf(
  projection: Projection,
  subject: SubjectEvents,
  stored: Versioned | null,
  skips: Skips = noSkips,
): Change | null {
  const { organizationId, id } = subject;
  const from = stored?.revision ?? -1;
  const unseen = subject.events.filter((event) => event.revision > from);
  const last = unseen.at(-1);
  if (last === undefined) return null;
  let revision = from;
  let document = stored?.document ?? null;
  const history: HistoryEntry[] = [];
  for (const event of unseen) {
    if (!skips.follows(projection.name, event.stream, revision, event.revision)) {
      throw new ProjectionGapError(`${event.stream}: revision ${event.revision} follows on ${revision}`);
    }
    const after = projection.evolve(document, event);
    const changes = projection.changed(document, event, after);
    if (changes !== null) history.push(entryOf(event, changes, document === null ? null : { revision, document, keys: projection.keys(document) }));
    ({ revision } = event);
    document = after;
  }
  if (document === null) return { organizationId, id, from, to: revision, history, type: 'remove' };
  return { organizationId, id, from, to: revision, history, type: 'put', document, keys: projection.keys(document) };
}

/**
 * What a batch of new events makes of a projection's documents; `load` gives what stands for a
 * subject. Nothing does where the batch holds the first event of its stream.
 */
export function batchChanges(
  projection: Projection,
  events: readonly RecordedEvent[],
  load: (subject: DocumentSubject) => Versioned | null,
  skips: Skips = noSkips,
): Change[] {
  return bySubject(projection, events).flatMap((subject) => {
    const stored = subject.events[0]?.revision === 0 ? null : load(subject);
    return changeOf(projection, subject, stored, skips) ?? [];
  });
}

function entryOf({ id, type, revision, metadata }: RecordedEvent, changes: Changes, superseded: Version | null): HistoryEntry {
  const { occurredAt: at, actor, requestId } = metadata;
  return { eventId: id, type, revision, at, actor, requestId, changes, superseded };
}
