// Keeps read models up to date from the log, where they are a store of their own: one subscription
// for all projections. What it does bears repetition by another copy at the same time; a lease
// only saves work.

import type { EventBatch, Position } from '../ports/eventLog.js';
import { UnavailableError } from '../ports/errors.js';
import type { RecordedEvent } from '../ports/eventStore.js';
import type { AnyProjection, GenerationName } from '../ports/projection.js';
import { applicationOf, concerning, isAheadOfLog } from './advance.js';
import type { Projector } from './projector.js';

/** Where a live generation stands. */
interface Place {
  number: number;
  position: Position | null;
}

/** A batch of the log and, unless one of them cannot be read, its events opened. */
interface OpenedBatch {
  batch: EventBatch;
  events: RecordedEvent[] | null;
}

export class Follower {
  /** Of those that this copy's version of a projection makes and that have not stopped. */
  private readonly places = new Map<GenerationName, Place>();
  private caughtUp = false;

  constructor(private readonly projector: Projector) {}

  /** Whether it has been at the end of the log since it began to follow. */
  get isCaughtUp(): boolean {
    return this.caughtUp;
  }

  /** Follows the log until `signal` aborts. @throws UnavailableError */
  async run(signal: AbortSignal): Promise<void> {
    const { projections, log, skips } = this.projector.deps;
    this.caughtUp = false;
    await skips.load(this.projector.deps);
    this.places.clear();
    for (const projection of projections) {
      if (!(await this.findPlace(projection))) await this.bringUpToDate(projection, signal);
    }
    const ended = new AbortController();
    const following = AbortSignal.any([signal, ended.signal]);
    try {
      let from = await this.earliest();
      for await (const opened of ahead(this.opened(log.subscribe(from, following)))) {
        if (signal.aborted) return;
        await Promise.all(projections.map((projection) => this.take(projection, from, opened, signal)));
        from = opened.batch.position;
        this.caughtUp ||= opened.batch.caughtUp;
      }
    } finally {
      ended.abort();
    }
  }

  private async *opened(batches: AsyncIterable<EventBatch>): AsyncIterable<OpenedBatch> {
    const { projections, events, skips } = this.projector.deps;
    for await (const batch of batches) {
      const concerned = projections.flatMap((projection) => (projection.name === 'events' ? [] : concerning(projection, batch.events, skips)));
      const opened = events.open(concerned).catch((error: unknown) => {
        if (error instanceof UnavailableError) throw error;
        return null;
      });
      yield { batch, events: await opened };
    }
  }

  /** Applies what came after `from`; by the longer way where a projection is not there or an event is in the way. */
  private async take(projection: AnyProjection, from: Position | null, { batch, events }: OpenedBatch, signal: AbortSignal) {
    const { log } = this.projector.deps;
    const place = this.places.get(projection.name);
    if (place !== undefined && log.compare(place.position, batch.position) >= 0) return;
    const isNext = place !== undefined && log.compare(place.position, from) >= 0;
    if (!isNext || !(await this.apply(projection, place, batch, events))) await this.bringUpToDate(projection, signal);
  }

  private async apply(projection: AnyProjection, place: Place, batch: EventBatch, events: RecordedEvent[] | null): Promise<boolean> {
    // The index of events takes them as they are stored.
    if (events === null && projection.name !== 'events') return false;
    try {
      const apply = await applicationOf(projection, place.number, batch.events, this.projector.deps, events ?? []);
      if (!(await apply(place.position, batch.position))) return false;
      place.position = batch.position;
      return true;
    } catch (error) {
      if (error instanceof UnavailableError) throw error;
      return false;
    }
  }

  /** Up to the end of the log, whatever its documents were made by; or as far as it gets. */
  private async bringUpToDate(projection: AnyProjection, signal: AbortSignal): Promise<void> {
    this.places.delete(projection.name);
    await this.projector.bringUpToDate(projection, { signal });
    const hasStopped = this.projector.stops().some((stop) => stop.projection === projection.name);
    if (!hasStopped) await this.findPlace(projection);
  }

  /** Looks up where a projection stands; returns whether it is this copy's version of it that is live. */
  private async findPlace({ name, version }: AnyProjection): Promise<boolean> {
    const live = await this.projector.deps.store.live(name);
    if (live?.version !== version || (await isAheadOfLog(name, this.projector.deps))) return false;
    this.places.set(name, { number: live.number, position: live.position });
    return true;
  }

  /** The position from which there is something to follow for any projection. */
  private async earliest(): Promise<Position | null> {
    const { log } = this.projector.deps;
    const positions = [...this.places.values()].map(({ position }) => position);
    return positions.length === 0 ? log.head() : positions.reduce((a, b) => (log.compare(a, b) <= 0 ? a : b));
  }
}

/** What `source` gives, the next one fetched while the last is worked on. */
async function* ahead<Item>(source: AsyncIterable<Item>): AsyncIterable<Item> {
  const iterator = source[Symbol.asyncIterator]();
  const fetch = () => {
    const next = iterator.next();
    next.catch(() => undefined);
    return next;
  };
  for (let next = fetch(); ; ) {
    const { done, value } = await next;
    if (done === true) return;
    next = fetch();
    yield value;
  }
}
