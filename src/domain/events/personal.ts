// Which fields of a contact's events are personal. They are stored encrypted, apart from the rest,
// with a key per contact; once the key is destroyed each reads as `[erased]`.

import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { putBefore, startOfMember } from '../jsonText.js';
import type { ContactEvent, DomainEvent } from './registry.js';

/** What stands in the place of a personal text whose key was destroyed. */
export const ERASED = '[erased]';

/** Personal fields at the top level of a contact; all of `address` but its id is personal too. */
const personalFields = new Set([
  'name',
  'displayName',
  'code',
  'email',
  'phone',
  'website',
  'address',
  'taxId',
  'description',
  'notes',
  'customFields',
]);

const personalMetadata = new Set(['title', 'department', 'mobilePhone', 'workPhone']);

/** An event's data in two: what anyone may read, and what is to be encrypted. */
export interface SplitData {
  open: JsonObject;
  /** Null when nothing in it is personal. */
  personal: JsonObject | null;
  /** The names of the personal fields, nested ones as `metadata.title`. */
  fields: string[];
}

/** Fields of which a part may be personal and another not. */
const nestedFields = ['address', 'metadata'];

/** The member of an event's data that holds fields of a contact. */
const holder: Partial<Record<DomainEvent['type'], string>> = {
  ContactCreated: 'contact',
  ContactUpdated: 'changes',
  ContactRestored: 'contact',
} satisfies Partial<Record<ContactEvent['type'], string>>;

/** Takes the personal fields out of an event's data. That a field is not set is not personal: null stays open. */
export function splitPersonal(event: DomainEvent): SplitData {
  const key = holder[event.type];
  const data = event.data as unknown as JsonObject;
  if (key === undefined) return { open: data, personal: null, fields: [] };
  const held = data[key] as JsonObject;
  const open: JsonObject = {};
  const split = { open, personal: {}, fields: [] };
  // By loops, as each new event comes here: entries of all that it holds would take three times as long.
  for (const field of Object.keys(held)) {
    const value = held[field] as Json;
    if (isNested(field, value)) splitNested(field, value, split);
    else if (value !== null && personalFields.has(field)) addPersonal(field, value, split);
    else open[field] = value;
  }
  return { ...split, open: { ...data, [key]: open } };
}

/**
 * The event's data whole again. `personal` is added to, and becomes part of it: it is the larger
 * part, and adding few fields to many takes a quarter of the time of copying all.
 */
export function joinPersonal(type: string, open: JsonObject, personal: JsonObject): JsonObject {
  const key = holder[type as DomainEvent['type']];
  if (key === undefined) return open;
  for (const [field, value] of Object.entries(open[key] as JsonObject)) {
    const nested = personal[field];
    if (isNested(field, nested) && isJsonObject(value)) Object.assign(nested, value);
    else personal[field] = value;
  }
  return { ...open, [key]: personal };
}

/**
 * As `joinPersonal`, of texts that `JSON.stringify` made, without taking them apart: a quarter of
 * the time. Null when they are not such as `splitPersonal` leaves them.
 */
export function joinPersonalText(type: string, open: string, personal: string): string | null {
  const key = holder[type as DomainEvent['type']];
  const start = key === undefined ? -1 : startOfMember(open, key);
  return start === -1 ? null : putBefore(open, start, personal, nestedFields);
}

/** The personal part when its key is gone: each of `fields` reads as erased. */
export function erasedPersonal(fields: readonly string[]): JsonObject {
  const personal: JsonObject = {};
  for (const path of fields) {
    const [field, nested] = path.split('.', 2) as [string, string | undefined];
    if (nested === undefined) personal[field] = Object.hasOwn(erasedForms, field) ? (erasedForms[field] as Json) : ERASED;
    else personal[field] = { ...(personal[field] as JsonObject | undefined), [nested]: ERASED };
  }
  return personal;
}

/** Whether a field is personal, nested ones as `metadata.title`. */
export function isPersonalPath(path: string): boolean {
  const [field, nested] = path.split('.', 2) as [string, string | undefined];
  if (field === 'metadata') return nested !== undefined && personalMetadata.has(nested);
  return personalFields.has(field);
}

/** An entity's fields with each personal value erased; null stays null. */
export function eraseFields(fields: JsonObject): JsonObject {
  const erase = (prefix: string) => ([name, value]: [string, Json]): [string, Json] => {
    const path = prefix + name;
    if (value === null) return [name, null];
    if (name === 'customFields' && prefix === '') return [name, {}];
    if (prefix === '' && isNested(name, value)) {
      return [name, Object.fromEntries(Object.entries(value).map(erase(`${path}.`)))];
    }
    return [name, isPersonalPath(path) ? ERASED : value];
  };
  return Object.fromEntries(Object.entries(fields).map(erase('')));
}

/** What stands for an erased field that is no text. (Events of earlier versions have an address that is not set among the erased.) */
const erasedForms: Record<string, Json> = { customFields: {}, address: null };

/** Whether a value is what stands for an erased one of that field. */
export function isErased(path: string, value: Json | undefined): boolean {
  return path === 'customFields' ? isJsonObject(value) && Object.keys(value).length === 0 : value === ERASED;
}

/** Whether the parts of a field are personal one by one. */
function isNested(field: string, value: Json | undefined): value is JsonObject {
  return nestedFields.includes(field) && isJsonObject(value);
}

type Split = SplitData & { personal: JsonObject };

function addPersonal(field: string, value: Json, { personal, fields }: Split): void {
  personal[field] = value;
  fields.push(field);
}

function splitNested(field: string, value: JsonObject, { open, personal, fields }: Split): void {
  const [apart, rest]: [JsonObject, JsonObject] = [{}, {}];
  const before = fields.length;
  for (const name of Object.keys(value)) {
    const part = value[name] as Json;
    if (part === null || (field !== 'address' && !personalMetadata.has(name))) rest[name] = part;
    else {
      apart[name] = part;
      fields.push(`${field}.${name}`);
    }
  }
  const isApart = fields.length > before;
  if (isApart) personal[field] = apart;
  if (!isApart || Object.keys(rest).length > 0) open[field] = rest;
}
