// What a projection is: a pure fold from events to documents, which any read store can run and
// any rebuild can repeat.

import type { Entity } from '../domain/entity.js';
import type { FieldChange } from '../domain/history.js';
import type { DocumentKeys } from '../domain/keys.js';
import type { StreamCategory } from '../domain/streams.js';
import type { Position } from './eventLog.js';
import type { RecordedEvent } from './eventStore.js';

export type { DocumentKeys };

export type ProjectionName = 'contacts' | 'companies' | 'endpoints';

/** What is made of the events and can be made anew: the documents of a projection, or the index of events. */
export type GenerationName = ProjectionName | 'events';

/** The index of events by organization, where the log has none of its own: entries, not documents, which it makes of any event. */
export interface IndexProjection {
  name: 'events';
  /** Raised when entries come out otherwise than before. */
  version: number;
}

export type AnyProjection = Projection | IndexProjection;

/** Where an event of an organization stands. */
export interface IndexEntry {
  organizationId: string;
  position: Position;
  stream: string;
  revision: number;
  type: string;
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
  /** What `event`, which made `after` of `before`, changed; null when it is no part of the history. */
  changed(before: Entity | null, event: RecordedEvent, after: Entity | null): Changes | null;
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

/** A document as it stood from its `updatedAt` until something changed it. */
export interface Version {
  revision: number;
  document: Entity;
  keys: DocumentKeys;
}

/** What an event changed: these fields, or all that the first version has set, which is not said twice. */
export type Changes = readonly FieldChange[] | 'first version';

/** What the history of a document says of one event. */
export interface HistoryEntry {
  eventId: string;
  type: string;
  revision: number;
  /** When it occurred: ISO 8601 in UTC. */
  at: string;
  actor: { sub: string };
  requestId: string;
  changes: Changes;
  /** What stood until then; null when nothing did. */
  superseded: Version | null;
}

/**
 * One document's step from revision `from` (-1: unknown as yet) to `to`. A store applies it only
 * to a document at `from`; one that is past it is left alone, since it has seen the events.
 */
export type Change = DocumentSubject & { from: number; to: number; /** Of its events, in order. */ history: HistoryEntry[] } & (
    | { type: 'put'; document: Entity; keys: DocumentKeys }
    /** A tombstone stays, so that an event seen twice brings nothing back. */
    | { type: 'remove' }
  );
