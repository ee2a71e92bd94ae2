// What an event changed, field by field, as the history of a contact or a company shows it; and
// what is left of it once the contact was erased.

import type { Entity } from './entity.js';
import { ERASED, eraseFields, isPersonalPath } from './events/personal.js';
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
  return changesBetween('', before === null ? undefined : settable(before), settable(after), patch);
}

/** Changes without personal values: `[erased]` stands for each. */
export function eraseChanges(changes: readonly FieldChange[]): FieldChange[] {
  const erased = new Map<string, FieldChange>();
  for (const change of changes) {
    // What fields of its own a contact had is personal too.
    const field = change.field.startsWith('customFields.') ? 'customFields' : change.field;
    const value = (was: Json) => (isPersonalPath(field) && was !== null ? ERASED : was);
    const known = erased.get(field) ?? { field, from: null, to: null };
    const [from, to] = [value(change.from), value(change.to)];
    erased.set(field, { field, from: from ?? known.from, to: to ?? known.to });
  }
  return [...erased.values()];
}

/** A version without personal values. */
export function eraseEntity(entity: Entity): Entity {
  return eraseFields(entity as unknown as JsonObject) as unknown as Entity;
}

/** What somebody sets, or has set by a command: not what follows from it. */
function settable({ id, organizationId, entityTypes, createdAt, updatedAt, ...fields }: Entity): JsonObject {
  return entityTypes.includes('Contact') ? fields : { ...fields, entityTypes };
}

function changesBetween(path: string, from: Json | undefined, to: Json | undefined, patch: Json | undefined): FieldChange[] {
  const keys = keysOf(from, to);
  if (keys === null) {
    const again = to === ERASED && patch === ERASED;
    return !again && jsonEqual(from ?? null, to ?? null) ? [] : [{ field: path, from: from ?? null, to: to ?? null }];
  }
  const at = (value: Json | undefined, key: string) => (isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined);
  return keys.flatMap((key) => changesBetween(path === '' ? key : `${path}.${key}`, at(from, key), at(to, key), at(patch, key)));
}

/** The keys to go through one by one; null when the values are compared whole. */
function keysOf(from: Json | undefined, to: Json | undefined): string[] | null {
  const values = [from, to].filter((value) => value !== undefined && value !== null);
  if (values.length === 0 || !values.every(isJsonObject)) return null;
  const keys = new Set(values.flatMap((value) => Object.keys(value)));
  return keys.size === 0 ? null : [...keys];
}
