// What every event says of its making, and the two forms of an event: new and recorded.

import { z } from 'zod';

export const eventMetadataSchema = z.object({
  organizationId: z.string(),
  /** Who asked: the `sub` of the token. A reaction of the service keeps the actor of its cause. */
  actor: z.object({ sub: z.string() }),
  requestId: z.string(),
  /** The same for all that follows from one request. */
  correlationId: z.string(),
  /** The id of the event that caused this one; null when a request did. */
  causationId: z.string().nullable(),
  /** ISO 8601 in UTC; never before that of the stream's last event. */
  occurredAt: z.iso.datetime(),
  schemaVersion: z.int().positive(),
});

export type EventMetadata = z.infer<typeof eventMetadataSchema>;

/** An event as decided: what happened, not yet when or by whom. */
export interface EventOf<Type extends string, Data> {
  type: Type;
  data: Data;
}

/** Where an event stands. A position is opaque: only the port that made it may compare it. */
export interface RecordedAt {
  id: string;
  stream: string;
  /** From 0, without gaps, within the stream. */
  revision: number;
  position: string;
  metadata: EventMetadata;
}

/** An event as it stands in the log, decrypted and in its newest form. */
export type Recorded<Event> = Event & RecordedAt;
