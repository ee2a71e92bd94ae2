// Appends to new streams made ready by a thread, as they pass between threads; see readyAppends.ts.

import type { ChainedEvent } from '../../ports/chainStore.js';
import type { KeySubject } from '../../ports/keyStore.js';
import type { Change, ProjectionName } from '../../ports/projection.js';
import type { NewDocument } from './newDocuments.js';

/** An event with its data as text, yet without its place in the log. */
export type ReadyEvent = Omit<Extract<ChainedEvent, { canonical: string }>, 'position'> & { data: string };

/** What new streams make of one projection's documents: rows, and changes that are more than new rows. */
export interface ReadyDocuments {
  projection: ProjectionName;
  documents: NewDocument[];
  changes: Change[];
}

/** The key of a subject that had none, wrapped by the first of the wrapping keys. */
export interface WrappedKey {
  subject: KeySubject;
  wrapped: Uint8Array;
}

/** Appends as they pass between threads. */
export interface MadeAppends {
  count: number;
  keys: WrappedKey[];
  events: ReadyEvent[];
  /** Of the projections that show any of it. */
  made: ReadyDocuments[];
}

/** What was to be new is there already. */
export class TakenError extends Error {
  override readonly name = 'TakenError';
}
