// Reads the log event by event, and goes on where one can be read no longer.

import { UnavailableError } from '../ports/errors.js';
import type { EventLog, Position, StoredEvent } from '../ports/eventLog.js';

const PAGE = 500;

/** The next event; 'damaged': it cannot be read; null: there is none. */
export type Next = StoredEvent | 'damaged' | null;

export class EventCursor {
  private page: StoredEvent[] = [];
  private index = 0;
  private ended = false;

  constructor(
    private readonly log: EventLog,
    private after: Position | null = null,
  ) {}

  /** @throws UnavailableError */
  async next(): Promise<Next> {
    while (this.index >= this.page.length) {
      if (this.ended) {
        // Asked again, it looks whether there are more by then.
        this.ended = false;
        return null;
      }
      if (!(await this.turn())) return 'damaged';
    }
    return this.page[this.index++] as StoredEvent;
  }

  /** Reads the next page; whether it could be read. Where it holds what cannot be read, what comes before that is read alone. */
  private async turn(): Promise<boolean> {
    for (const limit of [PAGE, 1]) {
      try {
        const batch = await this.log.readAll(this.after, limit);
        this.page = batch.events;
        this.index = 0;
        this.after = batch.position;
        this.ended = batch.caughtUp;
        return true;
      } catch (error) {
        if (error instanceof UnavailableError) throw error;
      }
    }
    return false;
  }
}
