// JSON values, and JSON merge patch (RFC 7396) in both directions: applying one, and finding the
// smallest one between two values. Keys such as `__proto__` are data here, never effective.

export type Json = string | number | boolean | null | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

/** Whether `value` is a JSON object: not null and not an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `target` changed by the merge patch `patch`: null removes, objects merge, all else replaces. */
export function applyMergePatch(target: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const merged = new Map(isJsonObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, applyMergePatch(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}

/**
 * The smallest merge patch that makes `after` of `before`; undefined when they are equal.
 * Exact for objects whose values hold no null outside arrays, which merge patches cannot express.
 */
export function mergePatchBetween(before: Json | undefined, after: Json): Json | undefined {
  if (!isJsonObject(before) || !isJsonObject(after)) return jsonEqual(before, after) ? undefined : after;
  const patch: [string, Json][] = [];
  for (const key of Object.keys(before)) if (!Object.hasOwn(after, key)) patch.push([key, null]);
  for (const [key, value] of Object.entries(after)) {
    const change = Object.hasOwn(before, key) ? mergePatchBetween(before[key], value) : value;
    if (change !== undefined) patch.push([key, change]);
  }
  return patch.length === 0 ? undefined : Object.fromEntries(patch);
}

/** Whether two JSON values are equal, whatever the order of their keys. */
export function jsonEqual(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => jsonEqual(item, b[index]));
  }
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && jsonEqual(a[key], b[key]))
  );
}

/**
 * About how many bytes a value of plain data takes in memory: many times its JSON, when it is made of
 * empty objects.
 */
export function weightOf(value: unknown): number {
  if (typeof value === 'string') return 24 + value.length;
  if (typeof value !== 'object' || value === null) return 8;
  let weight = 64;
  if (Array.isArray(value)) {
    for (const item of value) weight += 8 + weightOf(item);
    return weight;
  }
  for (const key in value) weight += 16 + key.length + weightOf((value as Record<string, unknown>)[key]);
  return weight;
}
