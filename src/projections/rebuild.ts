// Makes a projection's documents anew, beside those that are read, and then has reads see them.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Projection } from '../ports/projection.js';
import type { Generation, ProjectionStore } from '../ports/readStore.js';
import { nextStep, type ProjectingDeps } from './advance.js';

/**
 * How many events are applied at a time: enough that what a transaction costs does not matter, few
 * enough that requests which come meanwhile hardly wait.
 */
const REBUILD_BATCH = 500;
const RETRY_AFTER_MS = 10;

/** The generation was replaced by another while it was built. */
export class RebuildReplacedError extends Error {
  override readonly name = 'RebuildReplacedError';
}

/** How far a rebuild has come, in events. `total` grows while events are appended; null: it cannot be told. */
export interface RebuildProgress {
  done: number;
  total: number | null;
}

export interface RebuildOptions {
  report?: (progress: RebuildProgress) => void;
  /** Aborting leaves what was built for the next rebuild to go on with. */
  signal?: AbortSignal;
}

/**
 * Builds a generation of `projection` from the first event on, or goes on with one that this
 * version of it had begun, and makes it the live one, while others write.
 * @returns how many events were looked at
 * @throws ProjectionStoppedError, RebuildReplacedError, UnavailableError, and the reason of `signal`
 */
export async function rebuild(projection: Projection, deps: ProjectingDeps, options: RebuildOptions = {}): Promise<number> {
  const { log, store } = deps;
  const { report, signal } = options;
  const begun = await begin(projection, store);
  const { number } = begun;
  let { position } = begun;
  const before = log.count(null, position) ?? 0;
  const told = async (seen: number) => report?.({ done: before + seen, total: log.count(null, await log.head()) });
  for (let seen = 0; ; ) {
    await told(seen);
    signal?.throwIfAborted();
    const step = await nextStep(projection, { number, position }, deps, REBUILD_BATCH);
    // Asked for together: where others write without a pause, a switch that came after would always come too late.
    const [applied, switched] = await Promise.all([
      step.seen === 0 || store.apply(projection.name, number, step.changes, position, step.position),
      step.caughtUp && store.switchTo(projection.name, number),
    ]);
    if (!applied) throw new RebuildReplacedError(`another rebuild of ${projection.name} took the place of this one`);
    seen += step.seen;
    if (step.seen > 0) ({ position } = step);
    if (switched) {
      await told(seen);
      return seen;
    }
    if (step.seen === 0) await sleep(RETRY_AFTER_MS);
  }
}

async function begin({ name, version }: Projection, store: ProjectionStore): Promise<Generation> {
  const begun = await store.building(name);
  return begun?.version === version ? begun : store.build(name, version);
}
