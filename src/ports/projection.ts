// What a projection is: a pure fold from events to documents, which any read store can run and
// any rebuild can repeat.

import type { Entity } from '../domain/entity.js';
import type { StreamCategory } from '../domain/streams.js';
import type { RecordedEvent } from './eventStore.js';

export type ProjectionName = 'contacts' | 'companies';

/** What a document can be found and sorted by; null is not found by that. */
export interface DocumentKeys {
  /** Folded name: the order of names. */
  sortName: string;
  /** What a search looks into; see domain/text.ts. */
  searchable: string;
  /** Folded department. */
  department: string | null;
  contactMethod: string | null;
  managerId: string | null;
}

export interface Projection {
  name: ProjectionName;
  /** Raised when documents or keys come out otherwise than before: they are then rebuilt. */
  version: number;
  /** The kind of streams whose events make its documents, one stream a document. */
  category: StreamCategory;
  /** The document that `event` concerns; null when it concerns none of this projection. */
  subject(event: RecordedEvent): DocumentSubject | null;
  /** The document after `event`; null: there is none. */
  evolve(document: Entity | null, event: RecordedEvent): Entity | null;
  /** What the document can be found by. */
  keys(document: Entity): DocumentKeys;
}

export interface DocumentSubject {
  organizationId: string;
  id: string;
}

/** A document with the stream revision it shows; `document` is null for one that was deleted. */
export interface Versioned {
  revision: number;
  document: Entity | null;
}

/**
 * One document's step from revision `from` (-1: unknown as yet) to `to`. A store applies it only
 * to a document at `from`; one that is past it is left alone, since it has seen the events.
 */
export type Change = DocumentSubject & { from: number; to: number } & (
    | { type: 'put'; document: Entity; keys: DocumentKeys }
    /** A tombstone stays, so that an event seen twice brings nothing back. */
    | { type: 'remove' }
  );
