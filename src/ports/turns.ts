// Turns of the event loop, for work in pieces that are made at once: however much of it goes on at
// the same time, all else has its turn after each piece.

/** Who waits for a turn, the first to have it first. */
const waiting: (() => void)[] = [];

/**
 * Resolves once all that is ready has had its turn: one caller in each turn of the event loop, where
 * setImmediate would let all of them go on in the same one.
 */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(next);
  });
}

function next(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(next);
}
