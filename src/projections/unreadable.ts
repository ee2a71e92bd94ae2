// Events that were met and cannot be read: damaged, or written by a newer version. Whoever needs one
// is stopped by it until an operator has it skipped.

import type { StoredEvent } from '../ports/eventLog.js';

/** How many are remembered: one is enough to be seen, and the next is met once that is skipped. */
const REMEMBERED = 100;

export class Unreadable {
  private readonly met = new Map<string, StoredEvent>();

  /** That an event could not be read. */
  add(event: StoredEvent): void {
    if (this.met.size < REMEMBERED) this.met.set(event.position, event);
  }

  /** Those that are in the way still, in the order in which they were met; `isSkipped` are not any more. */
  inTheWay(isSkipped: (event: StoredEvent) => boolean): StoredEvent[] {
    for (const [position, event] of this.met) if (isSkipped(event)) this.met.delete(position);
    return [...this.met.values()];
  }
}

/** What an operator is told of one. */
export function unreadableLine({ position, type, stream, revision }: StoredEvent): string {
  return `the event at position ${position} cannot be read and stops what needs it: ${type}, revision ${revision} of ${stream}`;
}
