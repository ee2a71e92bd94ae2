// The projections of a running service: brings them up to date, makes them anew, and knows which
// one has stopped at an event and where. One that has stopped leaves the others alone.

import type { DomainEvent } from '../domain/events/registry.js';
import { schemaVersionOf } from '../domain/events/registry.js';
import { projectionsStream, SERVICE_ORGANIZATION } from '../domain/streams.js';
import type { Clock, Ids } from '../ports/clock.js';
import type { Position, StoredEvent } from '../ports/eventLog.js';
import type { AnyProjection, GenerationName } from '../ports/projection.js';
import type { ProjectionChecks } from '../ports/projectionChecks.js';
import { AheadOfLogError, isAheadOfLog, nextStep, ProjectionStoppedError, type ProjectingDeps } from './advance.js';
import { catchUp } from './catchUp.js';
import { rebuild, type RebuildOptions, type RebuildProgress } from './rebuild.js';

export interface ProjectorDeps extends ProjectingDeps {
  projections: readonly AnyProjection[];
  checks: ProjectionChecks;
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
    await this.deps.skips.load(this.deps.events);
    for (const projection of this.deps.projections) {
      await this.bringUpToDate(projection, { alone: true, report: (progress) => report?.(projection.name, progress) });
    }
  }

  /** Which projections have stopped, and why. */
  stops(): (ProjectionStoppedError | AheadOfLogError)[] {
    return [...this.stopped.values()];
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
   * Has projections go past an event that they have come to and cannot project, for good: that is
   * recorded first. Then brings them up to date.
   * @returns which ones
   * @throws ProjectorError when none has come to an event at that position that it cannot project
   */
  async skip(request: SkipRequest, options: RebuildOptions = {}): Promise<GenerationName[]> {
    const skipping: AnyProjection[] = [];
    for (const projection of this.deps.projections) {
      if (request.projection !== null && request.projection !== projection.name) continue;
      const event = await this.barrier(projection, request.position);
      if (event === null) continue;
      await this.record(projection.name, event, request);
      this.deps.skips.add({ ...event, projection: projection.name });
      skipping.push(projection);
    }
    if (skipping.length === 0) throw new ProjectorError(this.nothingToSkip(request));
    for (const projection of skipping) await this.bringUpToDate(projection, options);
    return skipping.map(({ name }) => name);
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
    for (const generation of [await store.live(projection.name), await store.building(projection.name)]) {
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

  private async record(projection: GenerationName, { position, stream, revision }: StoredEvent, request: SkipRequest) {
    const { events, clock, ids } = this.deps;
    const last = await events.last(projectionsStream);
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
  }

  private nothingToSkip({ position, projection }: SkipRequest): string {
    const who = projection === null ? 'no projection is' : `${projection} is not`;
    const where = this.stops().map(({ message }) => `; ${message}`);
    return `${who} stopped at position ${position}${where.join('')}`;
  }
}
