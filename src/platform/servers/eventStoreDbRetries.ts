// Trying again when EventStoreDB does not answer, until it does or time is up.

import { setTimeout as sleep } from 'node:timers/promises';
import { UnavailableError } from '../../ports/errors.js';
import { isTransient } from './eventStoreDbErrors.js';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

/** How long to wait after so many failures in a row, in ms: longer each time, and never twice the same. */
export function pauseAfter(failures: number): number {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
  return longest * (0.5 + Math.random() / 2);
}

/**
 * What `attempt` gives; it is told how many ms are left.
 * @throws UnavailableError with the last failure as its cause, when it is final or time is up
 */
export async function patiently<Result>(forMs: number, what: string, attempt: (leftMs: number) => Promise<Result>): Promise<Result> {
  const deadline = Date.now() + forMs;
  for (let failures = 0; ; failures += 1) {
    try {
      return await attempt(deadline - Date.now());
    } catch (error) {
      if (isOurs(error) || error instanceof UnavailableError) throw error;
      const pause = pauseAfter(failures);
      if (!isTransient(error) || Date.now() + pause >= deadline) throw new UnavailableError(`EventStoreDB: ${what}`, { cause: error });
      await sleep(pause);
    }
  }
}

/** No failure of the server, but a mistake in a value. */
function isOurs(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError;
}
