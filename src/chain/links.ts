// How a link is made: SHA-256 over the link before it, its sequence, and the canonical bytes of the
// event as it is stored, sealed, so that an erasure, which destroys a key alone, breaks none.

import { hash } from 'node:crypto';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.js';
import type { ChainedEvent } from '../ports/chainStore.js';
import type { StoredEvent } from '../ports/eventLog.js';

/** What stands before the first link. */
export const FIRST_HASH = '0'.repeat(64);

/** The link of `event`, the `sequence`th of its organization, after the link `previous`. */
export function linkHash(previous: string, sequence: number, event: ChainedEvent): string {
  const canonical = 'canonical' in event ? event.canonical : canonicalEvent(event);
  return hash('sha256', `${previous}|${sequence}|${canonical}`);
}

/** Canonical JSON of an event as it is stored. Where it stands among other organizations' events is no part of it. */
export function canonicalEvent({ stream, revision, id, type, data, metadata }: Omit<StoredEvent, 'position'>): string {
  return canonicalJson({ stream, revision, id, type, data, metadata: metadata as unknown as Json });
}

/** JSON without spaces, the keys of each object sorted by code units; equal for equal values. */
export function canonicalJson(value: Json): string {
  const sorted = sortedCopy(value);
  return sorted === undefined ? memberByMember(value) : JSON.stringify(sorted);
}

/**
 * The value with the keys of its objects in order, so that `JSON.stringify` leaves them so: half the
 * time of adding members up, and one is made for each event. Undefined where a key does not keep its
 * place: objects have whole numbers first, and `__proto__` not at all.
 */
function sortedCopy(value: Json): Json | undefined {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map(sortedCopy);
    return items.includes(undefined) ? undefined : (items as Json[]);
  }
  const sorted: JsonObject = {};
  for (const key of sortedKeys(value)) {
    const member = value[key];
    // What is undefined is not stored.
    if (member === undefined) continue;
    const copy = keepsItsPlace(key) ? sortedCopy(member) : undefined;
    if (copy === undefined) return undefined;
    sorted[key] = copy;
  }
  return sorted;
}

function keepsItsPlace(key: string): boolean {
  const first = key.charCodeAt(0);
  return (first < ZERO || first > NINE) && key !== '__proto__';
}

const [ZERO, NINE] = [0x30, 0x39];

/** By insertion: there are few, and half of them stand right. */
function sortedKeys(object: JsonObject): string[] {
  const keys = Object.keys(object);
  for (let at = 1; at < keys.length; at += 1) {
    const key = keys[at] as string;
    let to = at;
    for (; to > 0 && (keys[to - 1] as string) > key; to -= 1) keys[to] = keys[to - 1] as string;
    keys[to] = key;
  }
  return keys;
}

function memberByMember(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(memberByMember).join(',')}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  let members = '';
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member !== undefined) members += `${members === '' ? '' : ','}${JSON.stringify(key)}:${memberByMember(member)}`;
  }
  return `{${members}}`;
}
