// Makes a projection's documents anew, beside those that are read, and then has reads see them.

import { setTimeout as sleep } from 'node:timers/promises';
import type { AnyProjection } from '../ports/projection.js';
import type { Generation, ProjectionStore } from '../ports/readStore.js';
import { isAheadOfLog, type ProjectingDeps, type Step } from './advance.js';
import { Steps } from './steps.js';

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
  report?: ((progress: RebuildProgress) => void) | undefined;
  /** Aborting leaves what was built for the next rebuild to go on with. */
  signal?: AbortSignal | undefined;
  /** Whether nobody waits for answers meanwhile; it is faster then. */
  alone?: boolean | undefined;
}

/**
 * Builds a generation of `projection` from the first event on, or goes on with one that this
 * version of it had begun, and makes it the live one, while others write. One of another log is
 * replaced wherever it stands.
 * @returns how many events were looked at
 * @throws ProjectionStoppedError, RebuildReplacedError, UnavailableError, and the reason of `signal`
 */
export async function rebuild(projection: AnyProjection, deps: ProjectingDeps, options: RebuildOptions = {}): Promise<number> {
  const begun = await begin(projection, deps);
  const steps = new Steps(projection, deps, options.alone ?? false);
  try {
    await steps.begin(begun.position);
    return await build(projection, begun, steps, deps, options);
  } finally {
    await steps.close();
  }
}

async function build(projection: AnyProjection, begun: Generation, steps: Steps, deps: ProjectingDeps, { report, signal }: RebuildOptions): Promise<number> {
  const { log, store } = deps;
  const anyway = await isAheadOfLog(projection.name, deps);
  const before = log.count(null, begun.position) ?? 0;
  const tell = async (seen: number) => report?.({ done: before + seen, total: log.count(null, await log.head()) });
  for (let seen = 0; ; ) {
    await tell(seen);
    signal?.throwIfAborted();
    // Asked for each time: that tells the store, too, that what others changed of it is known here.
    const building = await store.building(projection.name);
    if (building?.number !== begun.number) throw new RebuildReplacedError(`another rebuild of ${projection.name} took the place of this one`);
    const step = await steps.next(building);
    const { applied, switched } = await take(step, projection, building, store, anyway);
    if (applied) seen += step.seen;
    if (switched) {
      await tell(seen);
      return seen;
    }
    if (!applied || step.seen === 0) await sleep(RETRY_AFTER_MS);
  }
}

/** Applies a step and, where it reaches the end of the log, switches. */
async function take(step: Step, { name }: AnyProjection, { number, position }: Generation, store: ProjectionStore, anyway: boolean) {
  // Asked for together: where others write without a pause, a switch that came after would always come too late.
  const [applied, atOnce] = await Promise.all([
    step.seen === 0 || step.apply(position, step.position),
    step.caughtUp && store.switchTo(name, number, anyway),
  ]);
  // A store that takes the two one by one may have taken the switch first.
  return { applied, switched: atOnce || (applied && step.caughtUp && (await store.switchTo(name, number, anyway))) };
}

/** Goes on with what was begun, unless that was by another version, or from another log. */
async function begin({ name, version }: AnyProjection, { log, store }: Pick<ProjectingDeps, 'log' | 'store'>): Promise<Generation> {
  const begun = await store.building(name);
  const isOurs = begun?.version === version && (begun.position === null || (await log.reaches(begun.position)));
  return isOurs ? begun : store.build(name, version);
}
