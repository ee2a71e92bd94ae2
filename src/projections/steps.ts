// The steps of a rebuild: made ready beside where the platform can and nothing else goes on, else
// made one after the other.

import type { Position } from '../ports/eventLog.js';
import type { AnyProjection, Projection } from '../ports/projection.js';
import type { Generation } from '../ports/readStore.js';
import type { ReadyStep, ReadySteps } from '../ports/readySteps.js';
import { changesOf, nextStep, type ProjectingDeps, type Step } from './advance.js';

/**
 * How many events are applied at a time: the more, the less often a page of an index is written;
 * but requests must get their turn between.
 */
const BATCH = { alone: 750, besideRequests: 500 };
/** From how many events on it is worth while to have steps made ready. */
const MANY = 2_000;

export class Steps {
  private ready: ReadySteps | null = null;
  /** Where what is made ready goes on. */
  private at: Position | null = null;

  /** `alone`: nobody waits for answers meanwhile. */
  constructor(
    private readonly projection: AnyProjection,
    private readonly deps: ProjectingDeps,
    private readonly alone: boolean,
  ) {}

  /** Has steps made ready from `position` on, where that is of use. @throws UnavailableError */
  async begin(position: Position | null): Promise<void> {
    const { log, makeReady } = this.deps;
    if (makeReady === null || !this.alone || this.projection.name === 'events') return;
    const left = log.count(position, await log.head());
    if (left === null || left < MANY) return;
    this.ready = makeReady(this.projection.name, position);
    this.at = position;
  }

  /** The step of a generation from where it stands. @throws as `nextStep` */
  async next(building: Generation): Promise<Step> {
    const ready = await this.nextReady(building);
    return ready ?? nextStep(this.projection, building, this.deps, this.alone ? BATCH.alone : BATCH.besideRequests);
  }

  async close(): Promise<void> {
    const { ready } = this;
    this.ready = null;
    await ready?.close();
  }

  /** Null where nothing is made ready, or what is cannot be used: what is wrong with an event is found out without. */
  private async nextReady({ number, position }: Generation): Promise<Step | null> {
    if (this.ready === null) return null;
    // What operators had skipped is not known where steps are made.
    const usable = position === this.at && this.deps.skips.places().length === 0;
    const ready = usable ? await this.ready.next() : null;
    const step = ready === null ? null : await this.finish(ready, number).catch(() => null);
    if (step === null) await this.close();
    else this.at = step.position;
    return step;
  }

  private async finish({ events, seen, position, caughtUp, apply }: ReadyStep, generation: number): Promise<Step> {
    const changes = await changesOf(this.projection as Projection, generation, events, this.deps);
    return { apply: (from, to) => apply(generation, changes, from, to), position, seen, caughtUp };
  }
}
