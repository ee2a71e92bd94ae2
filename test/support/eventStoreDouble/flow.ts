// Backpressure of a call's responses.

import type { EventEmitter } from 'node:events';

const ends = ['drain', 'cancelled', 'close'] as const;

/** Returns when more can be written to `call`, or nothing ever again. */
export function drained(call: EventEmitter): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const name of ends) call.off(name, done);
      resolve();
    };
    for (const name of ends) call.on(name, done);
  });
}
