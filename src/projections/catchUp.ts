// Brings what reads see up to the end of the log.

import type { AnyProjection } from '../ports/projection.js';
import { nextStep, type ProjectingDeps } from './advance.js';

/** How many events are applied at a time. */
const CATCH_UP_BATCH = 500;

/**
 * Applies to the live documents of `projection` every event that they have not seen.
 * @returns how many those were; null when this version of the projection has no live documents
 * @throws ProjectionStoppedError, UnavailableError, and the reason of `signal`
 */
export async function catchUp(projection: AnyProjection, deps: ProjectingDeps, signal?: AbortSignal): Promise<number | null> {
  let seen = 0;
  for (;;) {
    signal?.throwIfAborted();
    const live = await deps.store.live(projection.name);
    if (live?.version !== projection.version) return null;
    const step = await nextStep(projection, live, deps, CATCH_UP_BATCH);
    const applied = step.seen === 0 || (await step.apply(live.position, step.position));
    if (!applied) continue;
    seen += step.seen;
    if (step.caughtUp) return seen;
  }
}
