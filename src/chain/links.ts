// How a link is made: SHA-256 over the link before it, its sequence, and the canonical bytes of the
// event as it is stored, sealed, so that an erasure, which destroys a key alone, breaks none.

import { createHash } from 'node:crypto';
import { isJsonObject, type Json } from '../domain/json.js';
import type { StoredEvent } from '../ports/eventLog.js';

/** What stands before the first link. */
export const FIRST_HASH = '0'.repeat(64);

/** The link of `event`, the `sequence`th of its organization, after the link `previous`. */
export function linkHash(previous: string, sequence: number, event: StoredEvent): string {
  return createHash('sha256').update(`${previous}|${sequence}|`).update(canonicalEvent(event)).digest('hex');
}

/** Canonical JSON of an event as it is stored. Where it stands among other organizations' events is no part of it. */
export function canonicalEvent({ stream, revision, id, type, data, metadata }: StoredEvent): string {
  return canonicalJson({ stream, revision, id, type, data, metadata: { ...metadata } });
}

/** JSON without spaces, the keys of each object sorted by code units; equal for equal values. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  // What is undefined is not stored.
  const keys = Object.keys(value).filter((key) => value[key] !== undefined);
  return `{${keys.sort().map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] as Json)}`).join(',')}}`;
}
