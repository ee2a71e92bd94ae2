// What an event changed, field by field, as the history of a contact or a company shows it; and
// what is left of it once the contact was erased.

import type { Entity } from './entity.js';
import { eraseFields, isErased } from './events/personal.js';
import { isJsonObject, jsonEqual, type Json, type JsonObject } from './json.js';

/** A field whose value differs: nested ones as `metadata.title`; null is unset. */
export interface FieldChange {
  field: string;
  from: Json;
  to: Json;
}

/**
 * The fields in which two versions differ; `before` is null for a first one. Values that were
 * erased say nothing: they differ where `patch`, which made `after`, names them.
 */
export function changesOf(before: Entity | null, after: Entity, patch: Json = null): FieldChange[] {
  const changes: FieldChange[] = [];
  gatherChanges(changes, '', before === null ? undefined : settable(before), settable(after), patch);
  return changes;
}

/**
 * What is left of changes between two versions once both are erased: the same fields, as they are
 * there. Custom fields, whose names are personal too, are one.
 */
export function eraseChanges(changes: readonly FieldChange[], before: Entity | null, after: Entity): FieldChange[] {
  const fields = new Set(changes.map(({ field }) => (field.startsWith('customFields.') ? 'customFields' : field)));
  return [...fields].map((field) => ({ field, from: valueAt(before, field), to: valueAt(after, field) }));
}

/** A version without personal values. */
export function eraseEntity(entity: Entity): Entity {
  return eraseFields(entity as unknown as JsonObject) as unknown as Entity;
}

/** What somebody sets, or has set by a command: not what follows from it. */
function settable({ id, organizationId, entityTypes, createdAt, updatedAt, ...fields }: Entity): JsonObject {
  return entityTypes.includes('Contact') ? fields : { ...fields, entityTypes };
}

function valueAt(entity: Entity | null, path: string): Json {
  const [field, nested] = path.split('.', 2) as [string, string | undefined];
  const value = (entity as unknown as JsonObject | null)?.[field] ?? null;
  if (nested === undefined) return value;
  return (isJsonObject(value) ? value[nested] : null) ?? null;
}

function gatherChanges(changes: FieldChange[], path: string, from: Json | undefined, to: Json | undefined, patch: Json | undefined): void {
  if (from === to && patch === undefined) return;
  const keys = keysOf(from, to);
  if (keys === null) {
    const again = isErased(path, to) && isErased(path, patch);
    if (again || !jsonEqual(from ?? null, to ?? null)) changes.push({ field: path, from: from ?? null, to: to ?? null });
    return;
  }
  for (const key of keys) gatherChanges(changes, path === '' ? key : `${path}.${key}`, valueOf(from, key), valueOf(to, key), valueOf(patch, key));
}

function valueOf(value: Json | undefined, key: string): Json | undefined {
  return isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** The keys to go through one by one; null when the values are compared whole. */
function keysOf(from: Json | undefined, to: Json | undefined): string[] | null {
  // What is set on one side alone is compared with itself: a first version is all of that.
  const [one, other] = [from ?? to ?? null, to ?? from ?? null];
  if (!isJsonObject(one) || !isJsonObject(other)) return null;
  const keys = one === other ? Object.keys(one) : [...new Set([...Object.keys(one), ...Object.keys(other)])];
  return keys.length === 0 ? null : keys;
}

/** Orders what happened by time, the newest first; what has one time by id and revision. */
export function newestFirst(a: { at: string; id: string; revision: number }, b: { at: string; id: string; revision: number }): number {
  if (a.at !== b.at) return a.at < b.at ? 1 : -1;
  if (a.id !== b.id) return a.id < b.id ? 1 : -1;
  return b.revision - a.revision;
}
