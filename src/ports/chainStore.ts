// The chain of each organization's events, by which tampering shows. It is state: kept, backed up,
// never made anew.
//
// A *link* is the hash of an event and of the link before it in its organization; *sequence* counts
// the events of an organization, *number* those of the log, both from 1. The *end* of a chain is its
// last link, signed each time it moves. A *head* is such an end that was appended to the log and can
// be kept elsewhere.

import type { Position, StoredEvent } from './eventLog.js';

export interface Link {
  number: number;
  organizationId: string;
  sequence: number;
  eventId: string;
  position: Position;
  /** Hexadecimal. */
  hash: string;
}

export interface SignedHead {
  organizationId: string;
  sequence: number;
  hash: string;
  position: Position;
  /** When it was signed, ISO 8601. */
  at: string;
  /** Base64; empty when what it goes on from was not signed by us, so that it never verifies again. */
  signature: string;
  keyFingerprint: string;
}

export interface ChainEnd extends SignedHead {
  /** The sequence of the last event that is no head. */
  lastEvent: number;
  /** Up to where heads in the log vouch for it; 0: there is none. */
  covered: number;
  /** Since when there are events that no head covers, in ms since 1970; null: there are none. */
  uncoveredSince: number | null;
}

/** What a run of events made: a link for each, and the end of each chain that grew. */
export interface ChainStep {
  from: Position | null;
  to: Position;
  links: readonly Link[];
  ends: readonly ChainEnd[];
}

/** An event to be linked; one that was made ready has its canonical text in place of its data, and is no head. */
export type ChainedEvent = StoredEvent | (Omit<StoredEvent, 'data'> & { canonical: string });

/** Some events in the order of the log, and where the log stands after them. */
export interface ChainedRun {
  from: Position | null;
  to: Position;
  events: readonly ChainedEvent[];
  /** How many links there are before them. */
  links: number;
}

/** Makes links. */
export interface Linker {
  /** The end of an organization's chain as it is gone on from: one that was not signed by us must never be. */
  trusted(organizationId: string, stored: ChainEnd | null): ChainEnd;
  /** What a run of events makes; `endOf` gives the trusted end of each chain before it. */
  step(run: ChainedRun, endOf: (organizationId: string) => ChainEnd): ChainStep;
}

export interface ChainStore {
  /** Whether each event is linked in the very step that stores it: one without a link was then stored by somebody else. */
  readonly linksAtOnce: boolean;
  /** The first event in the order of the log that has not its own link, where each must have one; null: there is none. */
  stranger(): Promise<StoredEvent | null>;
  /** How far the log is chained, and by how many links. */
  checkpoint(): Promise<{ position: Position | null; links: number }>;
  /**
   * Keeps a step and moves the checkpoint `from` → `to`, all or nothing.
   * @returns whether the checkpoint was at `from`
   */
  append(step: ChainStep): Promise<boolean>;
  /** The end of an organization's chain, as of the checkpoint or later. */
  end(organizationId: string): Promise<ChainEnd | null>;
  /** Up to `limit` ends after that of organization `after` (null: from the first on), each organization once. */
  ends(after: string | null, limit: number): Promise<ChainEnd[]>;
  /** Up to `limit` ends with events that no head covers since `before` or earlier. */
  due(before: Date, limit: number): Promise<ChainEnd[]>;
  /** An organization's link; null when there is none, as of the checkpoint. */
  link(organizationId: string, sequence: number): Promise<Link | null>;
  /** Up to `limit` links with a number above `after`, in the order of the log, as of the checkpoint. */
  links(after: number, limit: number): Promise<Link[]>;
  /** Replaces an end's signature, unless the chain has grown. */
  resign(head: SignedHead): Promise<void>;
}
