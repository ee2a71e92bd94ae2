// The projections of a running service: brings them up to date, makes them anew, and knows which
// one has stopped at an event and where. One that has stopped leaves the others alone.

import { setImmediate as turn } from 'node:timers/promises';
import { schemaVersionOf, UnreadableEventError, type DomainEvent } from '../domain/events/registry.js';
import { parseStream, projectionsStream, SERVICE_ORGANIZATION } from '../domain/streams.js';
import type { Clock, Ids } from '../ports/clock.js';
import type { Position, StoredEvent } from '../ports/eventLog.js';
import type { EventStore } from '../ports/eventStore.js';
import type { AnyProjection, GenerationName } from '../ports/projection.js';
import type { ProjectionChecks } from '../ports/projectionChecks.js';
import { AheadOfLogError, isAheadOfLog, nextStep, ProjectionStoppedError, type ProjectingDeps } from './advance.js';
import { catchUp } from './catchUp.js';
import { unreadableLine, type Unreadable } from './unreadable.js';
import { rebuild, type RebuildOptions, type RebuildProgress } from './rebuild.js';

/** How many events are looked through at a time for one at a position. */
const LOOKED_THROUGH_AT_A_TIME = 500;

export interface ProjectorDeps extends ProjectingDeps {
  projections: readonly AnyProjection[];
  checks: ProjectionChecks;
  unreadable: Unreadable;
  clock: Clock;
  ids: Ids;
  /** Whether copies of the service of another version may work on the same store. */
  shared: boolean;
}

/** What is asked for cannot be done; the message says why. */
export class ProjectorError extends Error {
  override readonly name = 'ProjectorError';
}

/** An event to go past, and on whose word. */
export interface SkipRequest {
  position: Position;
  /** Null: every projection that has come to the event and cannot go past it. */
  projection: GenerationName | null;
  reason: string;
  actor: string;
}

export class Projector {
  private readonly stopped = new Map<GenerationName, ProjectionStoppedError | AheadOfLogError>();
  private readonly rebuilding = new Set<GenerationName>();

  constructor(readonly deps: ProjectorDeps) {}

  /** Brings every projection up to date; one that another version made is made anew. @throws UnavailableError */
  async start(report?: (name: GenerationName, progress: RebuildProgress) => void): Promise<void> {
    await this.deps.skips.load(this.deps);
    for (const projection of this.deps.projections) {
      await this.bringUpToDate(projection, { alone: true, report: (progress) => report?.(projection.name, progress) });
    }
  }

  /** Which projections have stopped, and why. */
  stops(): (ProjectionStoppedError | AheadOfLogError)[] {
    return [...this.stopped.values()];
  }

  /** What stands in the way, a line each: where projections have stopped, and events that others came to and cannot read. @throws UnavailableError */
  async problems(): Promise<string[]> {
    const { skips, unreadable } = this.deps;
    const stops = this.stops();
    const stoppedAt = stops.map((stop) => (stop instanceof ProjectionStoppedError ? stop.event.position : null));
    const others = () => unreadable.inTheWay((event) => skips.some(event)).filter(({ position }) => !stoppedAt.includes(position));
    // Another copy of the service may have been told to go past them.
    if (others().length > 0) await skips.load(this.deps);
    return [...stops.map(({ message }) => message), ...others().map(unreadableLine)];
  }

  /** Makes a projection anew, reads undisturbed; as `rebuild`. @throws ProjectorError when it is being rebuilt already */
  async rebuild(projection: AnyProjection, options: RebuildOptions): Promise<number> {
    const { name } = projection;
    if (this.rebuilding.has(name)) throw new ProjectorError(`${name} is being rebuilt already`);
    this.rebuilding.add(name);
    try {
      const seen = await rebuild(projection, this.deps, options);
      this.stopped.delete(name);
      return seen;
    } finally {
      this.rebuilding.delete(name);
    }
  }

  /**
   * Has an event gone past for good: by projections that have come to it and cannot project it, or,
   * where it cannot be read, by whatever else reads its stream. That is recorded first. Then brings
   * projections up to date.
   * @returns which ones; the kind of the stream where no projection shows it
   * @throws ProjectorError when no event at that position is in the way
   */
  async skip(request: SkipRequest, options: RebuildOptions = {}): Promise<string[]> {
    const asked = this.deps.projections.filter(({ name }) => request.projection === null || request.projection === name);
    const skipping: string[] = [];
    for (const projection of asked) {
      const event = await this.barrier(projection, request.position);
      if (event === null) continue;
      await this.record(projection.name, event, request);
      skipping.push(projection.name);
    }
    if (skipping.length === 0) skipping.push(await this.skipUnreadable(request));
    for (const projection of asked) if (skipping.includes(projection.name)) await this.bringUpToDate(projection, options);
    return skipping;
  }

  /**
   * Applies to a projection all that its live documents have not seen, and makes them anew where
   * another version made them; not those of a newer one that copies of that version look after.
   * @throws UnavailableError
   */
  async bringUpToDate(projection: AnyProjection, options: RebuildOptions): Promise<void> {
    try {
      if (await isAheadOfLog(projection.name, this.deps)) throw new AheadOfLogError(projection.name);
      const isLive = (await catchUp(projection, this.deps, options.signal)) !== null;
      if (!isLive && !(await this.isNewerLive(projection))) await this.rebuild(projection, options);
      this.stopped.delete(projection.name);
    } catch (error) {
      if (!(error instanceof ProjectionStoppedError || error instanceof AheadOfLogError)) throw error;
      this.stopped.set(projection.name, error);
    }
  }

  private async isNewerLive({ name, version }: AnyProjection): Promise<boolean> {
    return this.deps.shared && ((await this.deps.store.live(name))?.version ?? 0) > version;
  }

  /** The event at `position`, if it is the next one for `projection`, or for its rebuild, and cannot be projected. */
  private async barrier(projection: AnyProjection, position: Position): Promise<StoredEvent | null> {
    const { store } = this.deps;
    // One that is being built here is asked for by its builder alone, who then reads what was shown in it ahead.
    const building = this.rebuilding.has(projection.name) ? null : await store.building(projection.name);
    for (const generation of [await store.live(projection.name), building]) {
      if (generation?.version !== projection.version) continue;
      try {
        await nextStep(projection, generation, this.deps, 1);
      } catch (error) {
        if (!(error instanceof ProjectionStoppedError)) throw error;
        if (error.event.position === position) return error.event;
      }
    }
    return null;
  }

  /** Has an event gone past that cannot be read, though no projection has come to it. @throws ProjectorError when it is no such one */
  private async skipUnreadable(request: SkipRequest): Promise<string> {
    const event = await this.unreadableAt(request.position);
    const category = event === null ? undefined : parseStream(event.stream)?.category;
    if (event === null || category === undefined) throw new ProjectorError(this.nothingToSkip(request));
    const name = this.deps.projections.find((projection) => 'category' in projection && projection.category === category)?.name ?? category;
    if (request.projection !== null && request.projection !== name) throw new ProjectorError(this.nothingToSkip(request));
    await this.record(name, event, request);
    return name;
  }

  /** The event at `position` if it cannot be read, unless it is skipped already. The log is gone through: it finds events by stream. */
  private async unreadableAt(position: Position): Promise<StoredEvent | null> {
    const { log, events, skips } = this.deps;
    for (let after: Position | null = null; ; ) {
      const batch = await log.readAll(after, LOOKED_THROUGH_AT_A_TIME);
      const event = batch.events.find((candidate) => candidate.position === position);
      if (event !== undefined) return skips.some(event) || (await isReadable(events, event)) ? null : event;
      if (batch.caughtUp || log.compare(batch.position, position) >= 0) return null;
      after = batch.position;
      await turn();
    }
  }

  private async record(projection: string, { position, stream, revision }: StoredEvent, request: SkipRequest) {
    const { log, events, skips, clock, ids } = this.deps;
    // As it is stored: it may be one that cannot be read.
    const last = await log.last(projectionsStream);
    const [now, id] = [clock.now().toISOString(), ids.next()];
    const type = 'ProjectionEventSkipped';
    const event: DomainEvent = { type, data: { projection, position, stream, revision, reason: request.reason } };
    const metadata = {
      organizationId: SERVICE_ORGANIZATION,
      actor: { sub: request.actor },
      requestId: id,
      correlationId: id,
      causationId: null,
      occurredAt: last !== null && last.metadata.occurredAt > now ? last.metadata.occurredAt : now,
      schemaVersion: schemaVersionOf(type),
    };
    const result = await events.commit(projectionsStream, last?.revision ?? 'none', [{ ...event, id: ids.next(), metadata }]);
    if (result.outcome === 'conflict') throw new ProjectorError('another skip was recorded meanwhile; try again');
    skips.add({ stream, revision, projection });
  }

  private nothingToSkip({ position, projection }: SkipRequest): string {
    const who = projection === null ? 'nothing is' : `${projection} is not`;
    const where = this.stops().map(({ message }) => `; ${message}`);
    return `${who} stopped at position ${position}${where.join('')}`;
  }
}

async function isReadable(events: EventStore, event: StoredEvent): Promise<boolean> {
  try {
    await events.open([event]);
    return true;
  } catch (error) {
    if (error instanceof UnreadableEventError) return false;
    throw error;
  }
}
