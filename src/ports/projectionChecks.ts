// What is kept of documents beside the documents themselves (what they are found by, their history,
// counts), held against what it should be.

import type { Change, ProjectionName } from './projection.js';
import type { StoredDocument } from './readStore.js';

/** What is kept of a document that does not stand; with `id` null, what is kept of all of an organization's. */
export interface Stray {
  organizationId: string;
  id: string | null;
  /** What it is: `history`, `counts.active` and so on. */
  part: string;
}

/** A document of which something is kept otherwise; `id` is null for one that does not stand. */
export interface DamagedDocument {
  projection: ProjectionName;
  organizationId: string;
  id: string | null;
  part: string;
}

/** What is wrong with a store's files. */
export interface Damage {
  /** Of which no document is known: a line each. */
  lines: string[];
  documents: DamagedDocument[];
}

export interface ProjectionChecks {
  /**
   * What each document is found by in lists that is not as it says, and `history` where more is kept
   * than there was, in their order. A document that has changed since it was read is passed over.
   */
  foundOtherwise(projection: ProjectionName, generation: number, documents: readonly StoredDocument[]): Promise<string[][]>;
  /** Whether the history kept of a document from revision `change.from` to `change.to` is what `change` tells. */
  tells(projection: ProjectionName, generation: number, change: Change): Promise<boolean>;
  /** What is kept of documents that do not stand, and counts that are not of those that do. */
  strays(projection: ProjectionName, generation: number): AsyncIterable<Stray[]>;
  /** What is wrong with the files, all their indexes and those of search, as of one moment. */
  damage(): Promise<Damage>;
}
