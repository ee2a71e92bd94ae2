// What every event says of its making, and the two forms of an event: new and recorded.

import { z } from 'zod';
import { quoted } from '../jsonText.js';

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

/** What readers are told of an event's making, each text as JSON. */
export interface MetadataTexts {
  actor: string;
  requestId: string;
  correlationId: string;
  causationId: string | null;
  occurredAt: string;
  schemaVersion: number;
}

export function metadataTexts({ actor, requestId, correlationId, causationId, occurredAt, schemaVersion }: EventMetadata): MetadataTexts {
  return {
    actor: quoted(actor.sub),
    requestId: quoted(requestId),
    correlationId: quoted(correlationId),
    causationId: causationId === null ? null : quoted(causationId),
    occurredAt: quoted(occurredAt),
    schemaVersion,
  };
}

const TEXT = String.raw`"(?:[^"\\]|\\.)*"`;
/** Metadata as every command writes it. */
const WRITTEN = new RegExp(
  String.raw`^\{"organizationId":${TEXT},"actor":\{"sub":(${TEXT})\},"requestId":(${TEXT}),"correlationId":(${TEXT}),"causationId":(?:null|(${TEXT})),"occurredAt":(${TEXT}),"schemaVersion":(\d+)\}$`,
);

/** Those of metadata that are given as JSON, most often without taking it apart: a third of the time. */
export function readMetadataTexts(json: string): MetadataTexts {
  const written = WRITTEN.exec(json);
  if (written === null) return metadataTexts(JSON.parse(json) as EventMetadata);
  const [, actor, requestId, correlationId, causationId = null, occurredAt, schemaVersion] = written as unknown as [string, string, string, string, string | undefined, string, string];
  return { actor, requestId, correlationId, causationId, occurredAt, schemaVersion: Number(schemaVersion) };
}

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
