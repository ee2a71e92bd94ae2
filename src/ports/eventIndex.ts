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
  /** Whether a text is a position, as far as its form tells. */
  isPosition(text: string): boolean;
}
