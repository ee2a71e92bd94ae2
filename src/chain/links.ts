// How a link is made: SHA-256 over the link before it, its sequence, and the canonical bytes of the
// event as it is stored, sealed, so that an erasure, which destroys a key alone, breaks none.

import { hash } from 'node:crypto';
import { isJsonObject, type Json } from '../domain/json.js';
import type { StoredEvent } from '../ports/eventLog.js';

/** What stands before the first link. */
export const FIRST_HASH = '0'.repeat(64);

/** The link of `event`, the `sequence`th of its organization, after the link `previous`. */
export function linkHash(previous: string, sequence: number, event: StoredEvent): string {
  return hash('sha256', `${previous}|${sequence}|${canonicalEvent(event)}`);
}

/** Canonical JSON of an event as it is stored. Where it stands among other organizations' events is no part of it. */
export function canonicalEvent({ stream, revision, id, type, data, metadata }: StoredEvent): string {
  return canonicalJson({ stream, revision, id, type, data, metadata: metadata as unknown as Json });
}

/** JSON without spaces, the keys of each object sorted by code units; equal for equal values. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  // Added up in a loop: one link is made for each event.
  let members = '';
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    // What is undefined is not stored.
    if (member !== undefined) members += `${members === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(member)}`;
  }
  return `{${members}}`;
}
