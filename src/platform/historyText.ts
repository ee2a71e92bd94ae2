// How entries of a history are kept: as the JSON that answers show, put together when written.

import { changesOf, eraseChanges, type FieldChange } from '../domain/history.js';
import type { Entity } from '../domain/entity.js';
import type { HistoryEntry, ProjectionName } from '../ports/projection.js';

/** The event after which nothing personal may be left. */
export const ERASING_EVENT = 'ContactErased';

/** An entry up to its changes: what follows in an answer is `,"changes":[…]}`. */
export function headOf({ eventId, type, revision, at, actor, requestId }: HistoryEntry): string {
  return JSON.stringify({ eventId, type, revision, at, actor: { sub: actor.sub }, requestId }).slice(0, -1);
}

/** An entry's changes as JSON; null where they are all that the first version has set. */
export function changesText({ changes }: HistoryEntry): string | null {
  return changes === 'first version' ? null : JSON.stringify(changes);
}

const idNames: Record<ProjectionName, string> = { contacts: 'contactId', companies: 'companyId', endpoints: 'webhookId' };

/** An entry as the audit shows it. */
export function auditText(projection: ProjectionName, id: string, head: string, changes: string): string {
  return `{"${idNames[projection]}":${JSON.stringify(id)},${head.slice(1)},"changes":${changes}}`;
}

/** What a first version has set, as JSON. */
export function firstChangesText(body: string | undefined): string {
  return body === undefined ? '[]' : JSON.stringify(changesOf(null, JSON.parse(body) as Entity));
}

/** An update of a contact as it is kept: its changes as JSON. */
interface KeptChanges {
  revision: number;
  changes: string;
}

/** A version without personal values. */
export interface ErasedVersion {
  revision: number;
  document: Entity;
}

/** What is kept of an erased contact's updates, without personal values; `versions` are all that it had, in order. */
export function erasedUpdates(updates: readonly KeptChanges[], versions: readonly ErasedVersion[]): KeptChanges[] {
  return updates.map(({ revision, changes }) => {
    // A version is kept with the revision of the last event before the next one: some events make none.
    const index = versions.findIndex((version) => version.revision >= revision);
    const after = versions[index]?.document;
    const told = JSON.parse(changes) as FieldChange[];
    return { revision, changes: JSON.stringify(after === undefined ? [] : eraseChanges(told, versions[index - 1]?.document ?? null, after)) };
  });
}
