// Commit where log and read models are two stores: append, then have the read models show what was
// appended, ahead of whoever follows the log. The same fold makes the documents either way.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Commit } from '../ports/commit.js';
import { traced } from '../ports/tracing.js';
import { UnavailableError } from '../ports/errors.js';
import type { EventLog } from '../ports/eventLog.js';
import { recordedAs, type EventStore, type RecordedEvent } from '../ports/eventStore.js';
import type { Projection, Versioned } from '../ports/projection.js';
import type { ProjectionStore, Showing } from '../ports/readStore.js';
import { bySubject, changeOf, ProjectionGapError, type SubjectEvents } from './project.js';
import type { Skips } from './skips.js';

/** How long a writer waits until reads show its events, in ms. */
export const SHOWN_WITHIN_MS = 5_000;
const PAUSE_MS = { first: 5, most: 100 };

export interface ShowingDeps {
  projections: readonly Projection[];
  log: EventLog;
  store: ProjectionStore;
  skips: Skips;
}

/**
 * A commit that returns when every read shows the events. Where others must be shown before them,
 * it waits for those who follow the log.
 */
export function commitAndShow({ projections, log, store, skips }: ShowingDeps): Commit {
  return async (stream, expected, stored, plain) => {
    const result = await log.append(stream, expected, stored);
    if (result.outcome === 'conflict') return result;
    const first = result.revision + 1 - plain.length;
    const events = plain.map((event, index) => recordedAs(event, { stream, revision: first + index, position: result.position }));
    const deadline = Date.now() + SHOWN_WITHIN_MS;
    const showings = projections.flatMap((projection) =>
      bySubject(projection, events).map((subject) =>
        traced(`project ${projection.name}`, () => ({}), () => show(projection, showingOf(projection, subject, result.revision, skips), store, deadline)),
      ),
    );
    await Promise.all(showings);
    return result;
  };
}

/** What `bringOn` works with. */
export type BringingDeps = Pick<ShowingDeps, 'projections' | 'store' | 'skips'> & { events: Pick<EventStore, 'read'> };

/**
 * Has read models show what a stream says by now, those being built, too: a rebuild that was begun
 * and left may not come to an erasure for long, nor one that goes on to what it has read before.
 * @throws UnavailableError
 */
export async function bringOn(stream: string, { projections, store, skips, events }: BringingDeps): Promise<void> {
  const recorded: RecordedEvent[] = [];
  for await (const batch of events.read(stream, 0)) recorded.push(...batch);
  const revision = recorded.at(-1)?.revision ?? -1;
  for (const projection of projections) {
    for (const subject of bySubject(projection, recorded)) await store.show(projection.name, showingOf(projection, subject, revision, skips));
  }
}

function showingOf(projection: Projection, subject: SubjectEvents, revision: number, skips: Skips): Showing {
  const { organizationId, id } = subject;
  const step = (stored: Versioned | null) => {
    try {
      return changeOf(projection, subject, stored, skips);
    } catch (error) {
      if (error instanceof ProjectionGapError) return null;
      throw error;
    }
  };
  return { subject: { organizationId, id }, revision, version: projection.version, step };
}

async function show(projection: Projection, showing: Showing, store: ProjectionStore, deadline: number): Promise<void> {
  for (let pause = PAUSE_MS.first; !(await store.show(projection.name, showing)); pause = Math.min(2 * pause, PAUSE_MS.most)) {
    if (Date.now() > deadline) throw new UnavailableError(`what was stored is not shown by ${projection.name} as yet`);
    await sleep(pause);
  }
}
