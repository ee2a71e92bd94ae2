// Events as EventStoreDB gives them, as the port's.

import type { AllStreamRecordedEvent, RecordedEvent } from '@eventstore/db-client';
import { UnreadableEventError } from '../../domain/events/registry.js';
import type { StoredEvent } from '../../ports/eventLog.js';
import { encodePosition, type LogPosition } from './eventStoreDbPositions.js';

/** @throws UnreadableEventError when another program wrote it, in another form than ours */
export function toStoredEvent(recorded: AllStreamRecordedEvent | RecordedEvent): StoredEvent {
  const { streamId, revision, id, type, data, metadata } = recorded;
  // Of a server from 22.10 on, every read gives positions.
  const position = recorded.position as LogPosition;
  if (!isObject(data) || !isObject(metadata) || typeof metadata.schemaVersion !== 'number') {
    throw new UnreadableEventError(`${streamId}: the event at revision ${revision} was not written by this service`);
  }
  return { id, type, data, metadata, stream: streamId, revision: Number(revision), position: encodePosition(position) } as StoredEvent;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
