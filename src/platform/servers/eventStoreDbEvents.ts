// Events as EventStoreDB gives them, as the port's.

import type { AllStreamRecordedEvent, RecordedEvent } from '@eventstore/db-client';
import type { EventMetadata } from '../../domain/events/metadata.js';
import type { JsonObject } from '../../domain/json.js';
import type { StoredEvent } from '../../ports/eventLog.js';
import { encodePosition, type LogPosition } from './eventStoreDbPositions.js';

/**
 * Of an event that another program wrote into a stream with a name of ours: a version that no
 * service knows, so that whoever opens it finds it unreadable, where it stands, and nobody else is
 * stopped by it.
 */
const alien: EventMetadata = {
  organizationId: '',
  actor: { sub: '' },
  requestId: '',
  correlationId: '',
  causationId: null,
  occurredAt: '1970-01-01T00:00:00.000Z',
  schemaVersion: Number.MAX_SAFE_INTEGER,
};

/**
 * Whether its stream is named as ours are, and it was not written by the server: that keeps types
 * that begin with `$` for itself, and ends a stream that is deleted for good with one, even a stream
 * of ours. Held against what a filter of the server lets through, too: it compares names as texts of
 * a language, in which some characters count for nothing.
 */
export function isOurs({ streamId, type }: { streamId: string; type: string }, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => streamId.startsWith(prefix)) && !type.startsWith('$');
}

export function toStoredEvent(recorded: AllStreamRecordedEvent | RecordedEvent): StoredEvent {
  const { streamId, revision, id, type, data, metadata } = recorded;
  const ours = isObject(metadata) && typeof metadata.schemaVersion === 'number' && isObject(data);
  return {
    id,
    type,
    data: (ours ? data : {}) as JsonObject,
    metadata: ours ? (metadata as EventMetadata) : alien,
    stream: streamId,
    revision: Number(revision),
    // Servers from 22.10 on give positions with every read.
    position: encodePosition(recorded.position as LogPosition),
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
