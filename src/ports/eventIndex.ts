// The events of each organization, in the order of the log: found without a look at any other's.

import type { Position, StoredEvent } from './eventLog.js';

export interface IndexQuery {
  /** After this one; null: from the first on. */
  after: Position | null;
  /** How many at most. */
  limit: number;
  /** Of these types. */
  types: readonly string[];
}

export interface IndexedEvents {
  events: StoredEvent[];
  /** The last of the organization's events that was looked at; `after` when none was. */
  position: Position | null;
  /** Up to where there are no others, when this was all; null: there may be more. A position of the log. */
  coveredTo: Position | null;
}

export interface EventIndex {
  /** Events of an organization. Of those of other types, a bounded number is looked at. @throws UnavailableError */
  read(organizationId: string, query: IndexQuery): Promise<IndexedEvents>;
  /**
   * A position that no event stands at or before that occurred at `instant` or later, as far on as is
   * quickly found; null: the beginning. Where clocks went back, events that occurred before another
   * of the log are taken to have followed it. @throws UnavailableError
   */
  startOf(instant: Date): Promise<Position | null>;
  /** Whether a text is a position, as far as its form tells. */
  isPosition(text: string): boolean;
}
