// What contacts and companies have in common: their fields, how a patch changes them, and what
// differs between two states. The spec calls both entities.

import { z } from 'zod';
import type { FieldIssue } from './decision.js';
import { applyMergePatch, mergePatchBetween, type Json, type JsonObject } from './json.js';

export const statuses = ['active', 'inactive', 'archived'] as const;
export const contactMethods = ['email', 'phone', 'mobile'] as const;
export type Status = (typeof statuses)[number];
export type ContactMethod = (typeof contactMethods)[number];

/** The most a contact's `customFields` may hold, in bytes of JSON, after merging. */
export const CUSTOM_FIELDS_MAX_BYTES = 102_400;

const text = z.string().nullable();

export const addressSchema = z.object({
  id: z.string(),
  addressee: text,
  companyName: text,
  attention: text,
  phoneNumber: text,
  line1: text,
  line2: text,
  city: text,
  stateProvince: text,
  postalCode: text,
  countryCode: text,
});

export const metadataSchema = z.object({
  title: text,
  department: text,
  reportsTo: text,
  mobilePhone: text,
  workPhone: text,
  preferredContactMethod: z.enum(contactMethods).nullable(),
});

const jsonObjectSchema = z.custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value)).meta({ type: 'object' });

/** Every field a client can set, all present. The form in which events hold a whole entity. */
export const entityFieldsSchema = z.object({
  name: z.string(),
  displayName: text,
  code: text,
  email: text,
  phone: text,
  website: text,
  address: addressSchema.nullable(),
  parentEntityId: text,
  taxId: text,
  description: text,
  notes: text,
  customFields: jsonObjectSchema.nullable(),
  metadata: metadataSchema,
  status: z.enum(statuses),
});

/** What changed of an entity, as a merge patch over its fields but the status. */
export const entityChangesSchema = entityFieldsSchema
  .omit({ status: true })
  .extend({ address: addressSchema.partial().nullable(), metadata: metadataSchema.partial() })
  .partial();

export type Address = z.infer<typeof addressSchema>;
export type Metadata = z.infer<typeof metadataSchema>;
export type EntityFields = z.infer<typeof entityFieldsSchema>;
export type EntityChanges = z.infer<typeof entityChangesSchema>;

/** A contact or a company as it stands: its fields and what the server says of it. Times are ISO 8601 in UTC. */
export interface Entity extends EntityFields {
  id: string;
  organizationId: string;
  entityTypes: string[];
  primaryContactId: string | null;
  createdAt: string;
  updatedAt: string;
}

/** What a client asks to change: a merge patch; `isActive` is a wish about the status. */
export type EntityPatch = Partial<Omit<EntityFields, 'address' | 'metadata'>> & {
  address?: Partial<Address> | null;
  metadata?: Partial<Metadata> | null;
  isActive?: boolean;
};

const emptyMetadata: Metadata = {
  title: null,
  department: null,
  reportsTo: null,
  mobilePhone: null,
  workPhone: null,
  preferredContactMethod: null,
};

const emptyAddress: Address = {
  id: '',
  addressee: null,
  companyName: null,
  attention: null,
  phoneNumber: null,
  line1: null,
  line2: null,
  city: null,
  stateProvince: null,
  postalCode: null,
  countryCode: null,
};

/** An entity of which nothing is set but its name. */
export function emptyFields(name: string): EntityFields {
  return {
    name,
    displayName: null,
    code: null,
    email: null,
    phone: null,
    website: null,
    address: null,
    parentEntityId: null,
    taxId: null,
    description: null,
    notes: null,
    customFields: null,
    metadata: emptyMetadata,
    status: 'active',
  };
}

/**
 * `fields` changed by `patch`. An address keeps its id for life; a first one takes the id sent
 * with it, else `addressId`.
 */
export function patchFields(fields: EntityFields, patch: EntityPatch, addressId: string): EntityFields {
  const { address, metadata, customFields, isActive, ...plain } = patch;
  return {
    ...fields,
    ...(plain as Partial<EntityFields>),
    address: address === undefined ? fields.address : patchAddress(fields.address, address, addressId),
    metadata: metadata === undefined ? fields.metadata : patchMetadata(fields.metadata, metadata),
    customFields: customFields === undefined ? fields.customFields : patchCustomFields(fields.customFields, customFields),
    status: nextStatus(fields.status, patch),
  };
}

/** The changes, status apart, that make `after` of `before`; undefined when there are none. */
export function changesBetween(before: EntityFields, after: EntityFields): EntityChanges | undefined {
  const { status: _before, ...from } = before;
  const { status: _after, ...to } = after;
  const changes = Object.entries(to).flatMap(([field, value]): [string, Json][] => {
    const change = mergePatchBetween(from[field as keyof typeof from] as Json, value as Json);
    return change === undefined ? [] : [[field, change]];
  });
  return changes.length === 0 ? undefined : (Object.fromEntries(changes) as EntityChanges);
}

/** `fields` with recorded `changes` in them: what `changesBetween` found, done again. */
export function withChanges(fields: EntityFields, changes: EntityChanges): EntityFields {
  const address = changes.address;
  return {
    ...fields,
    ...(changes as Partial<EntityFields>),
    address: address === undefined ? fields.address : patchAddress(fields.address, address, ''),
    metadata: patchMetadata(fields.metadata, changes.metadata ?? {}),
    customFields:
      changes.customFields === undefined ? fields.customFields : patchCustomFields(fields.customFields, changes.customFields),
  };
}

/** What is wrong with `patch` on an entity of which `stored` is the status (undefined: not created yet). */
export function statusIssues(stored: Status | undefined, patch: EntityPatch): FieldIssue[] {
  const { status, isActive } = patch;
  if (status === undefined || isActive === undefined) return [];
  if (stored !== undefined && isActive === (stored === 'active')) return [];
  if (isActive === (status === 'active')) return [];
  return [{ field: 'isActive', message: `Contradicts status '${status}'` }];
}

/** What is too large about the merged fields. */
export function sizeIssues(fields: EntityFields): FieldIssue[] {
  if (fields.customFields === null) return [];
  const bytes = Buffer.byteLength(JSON.stringify(fields.customFields));
  if (bytes <= CUSTOM_FIELDS_MAX_BYTES) return [];
  return [{ field: 'customFields', message: `Holds ${bytes} bytes of JSON; at most ${CUSTOM_FIELDS_MAX_BYTES} are kept` }];
}

function nextStatus(stored: Status, { status, isActive }: EntityPatch): Status {
  if (status !== undefined) return status;
  if (isActive === undefined || isActive === (stored === 'active')) return stored;
  return isActive ? 'active' : 'inactive';
}

function patchMetadata(metadata: Metadata, patch: Partial<Metadata> | null): Metadata {
  return patch === null ? emptyMetadata : { ...metadata, ...patch };
}

function patchAddress(address: Address | null, patch: Partial<Address> | null, newId: string): Address | null {
  if (patch === null) return null;
  const id = address?.id ?? patch.id ?? newId;
  return { ...emptyAddress, ...address, ...patch, id };
}

function patchCustomFields(fields: JsonObject | null, patch: JsonObject | null): JsonObject | null {
  return patch === null ? null : (applyMergePatch(fields ?? {}, patch) as JsonObject);
}
