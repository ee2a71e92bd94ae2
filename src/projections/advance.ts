// One step of making a generation: what the next events of the log make of its documents.

import { isOfCategory } from '../domain/streams.js';
import type { EventLog, Position, StoredEvent } from '../ports/eventLog.js';
import { UnavailableError } from '../ports/errors.js';
import type { EventStore, RecordedEvent } from '../ports/eventStore.js';
import type { AnyProjection, Change, GenerationName, Projection } from '../ports/projection.js';
import type { Generation, ProjectionStore } from '../ports/readStore.js';
import type { MakeReady } from '../ports/readySteps.js';
import { entriesOf } from './eventIndex.js';
import { bySubject, changeOf } from './project.js';
import type { Skips } from './skips.js';

/** What projecting works with. */
export interface ProjectingDeps {
  log: EventLog;
  events: EventStore;
  store: ProjectionStore;
  /** Null where nothing makes steps ready. */
  makeReady: MakeReady | null;
  skips: Skips;
}

/** A projection has come to an event that it cannot project. All before it is applied. */
export class ProjectionStoppedError extends Error {
  override readonly name = 'ProjectionStoppedError';

  constructor(
    readonly projection: GenerationName,
    readonly event: StoredEvent,
    cause: unknown,
  ) {
    const { position, type, stream, revision } = event;
    const why = cause instanceof Error ? cause.name : 'unknown';
    super(`the projection ${projection} is stopped at position ${position}: ${type}, revision ${revision} of ${stream} (${why})`, { cause });
  }
}

/** What reads see of a projection was made from another log than this one, or from one that has lost events since. */
export class AheadOfLogError extends Error {
  override readonly name = 'AheadOfLogError';

  constructor(readonly projection: GenerationName) {
    super(`the projection ${projection} is ahead of the event log: is it the right log? 'contacts rebuild' makes it anew from this one`);
  }
}

/** Whether what reads see of a projection stands further on than the log. */
export async function isAheadOfLog(projection: GenerationName, { log, store }: Pick<ProjectingDeps, 'log' | 'store'>): Promise<boolean> {
  const position = (await store.live(projection))?.position ?? null;
  return position !== null && !(await log.reaches(position));
}

/** Applies what events make of a generation that stands at `from`, and moves it to `to`; returns whether it stood there. */
export type Application = (from: Position | null, to: Position) => Promise<boolean>;

export interface Step {
  apply: Application;
  /** Where it leads. */
  position: Position;
  /** How many events it comes from. */
  seen: number;
  /** Whether this was the end of the log at the time. */
  caughtUp: boolean;
}

/**
 * What up to `limit` events after a generation's position make of it. Where one of them cannot be
 * projected, it is those before that one.
 * @throws ProjectionStoppedError when the very first cannot be projected
 * @throws UnavailableError
 */
export async function nextStep(
  projection: AnyProjection,
  { number, position }: Pick<Generation, 'number' | 'position'>,
  deps: ProjectingDeps,
  limit: number,
): Promise<Step> {
  for (let wanted = limit; ; ) {
    const batch = await deps.log.readAll(position, wanted);
    try {
      const apply = await applicationOf(projection, number, batch.events, deps);
      return { apply, position: batch.position, seen: batch.events.length, caughtUp: batch.caughtUp };
    } catch (error) {
      const [first, second] = batch.events;
      if (error instanceof UnavailableError || first === undefined) throw error;
      if (second === undefined) throw new ProjectionStoppedError(projection.name, first, error);
      wanted = Math.floor(batch.events.length / 2);
    }
  }
}

/** The events that a projection has to look at. */
export function concerning({ name, category }: Projection, stored: readonly StoredEvent[], skips: Skips): StoredEvent[] {
  return stored.filter((event) => isOfCategory(event.stream, category) && !skips.has(name, event));
}

/**
 * What stored events make of a generation; those in `opened` are them opened, where that was done.
 * @throws ProjectionGapError, UnreadableEventError, UnavailableError
 */
export async function applicationOf(
  projection: AnyProjection,
  number: number,
  stored: readonly StoredEvent[],
  deps: ProjectingDeps,
  opened?: readonly RecordedEvent[],
): Promise<Application> {
  const { store, skips } = deps;
  if (projection.name === 'events') {
    const entries = entriesOf(stored);
    return (from, to) => store.index(number, entries, from, to);
  }
  const changes = await changesOf(projection, number, opened ?? (await deps.events.open(concerning(projection, stored, skips))), deps);
  return (from, to) => store.apply(projection.name, number, changes, from, to);
}

/** What events make of a generation's documents. @throws ProjectionGapError, UnavailableError */
export async function changesOf(
  projection: Projection,
  generation: number,
  events: readonly RecordedEvent[],
  { store, skips }: Pick<ProjectingDeps, 'store' | 'skips'>,
): Promise<Change[]> {
  const subjects = bySubject(projection, events);
  const documents = await store.load(projection.name, generation, subjects);
  return subjects.flatMap((subject, index) => changeOf(projection, subject, documents[index] ?? null, skips) ?? []);
}
