// What a client may send of a contact or a company. Lengths are in UTF-16 code units.

import { z } from 'zod';
import { contactMethods, statuses, statusIssues, type EntityPatch } from '../../domain/entity.js';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.js';
import { companyRoles, type CompanyPatch, type CompanyRole } from '../../domain/company.js';
import { ITEMS_MAX, TOO_MANY_ITEMS } from '../validate.js';
import { countryCodes } from './countryCodes.js';
import { addressDescriptions, describe, entityDescriptions, metadataDescriptions } from './describe.js';

export const uuidPattern = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;

/** Any 8-4-4-4-12 hexadecimal, in lower case from here on: the spec's own samples fail stricter checks. */
export const uuid = z
  .string('Must be a UUID')
  .regex(uuidPattern, 'Must be a UUID')
  .transform((id) => id.toLowerCase())
  .meta({ format: 'uuid' });

/** The id in lower case; undefined when it is none. */
export function parseId(text: string): string | undefined {
  return uuidPattern.test(text) ? text.toLowerCase() : undefined;
}

/** Text of up to `max` characters. Checks that follow see only text that is short enough. */
const text = (max: number) => z.string('Must be text').max(max, { error: `Must be at most ${max} characters`, abort: true });

// What `refine` checks, JSON Schema cannot know: `meta` tells as much of it as it can say.
const name = text(200).refine((value) => /[^\s\p{Cc}\p{Cf}]/u.test(value), 'Must not be blank').meta({ pattern: '\\S' });
const email = text(254).refine(isEmail, 'Invalid email format').meta({ format: 'email' });
const website = text(2048).refine(isWebsite, 'Must be an http or https URL').meta({ format: 'uri', pattern: '^[Hh][Tt][Tt][Pp][Ss]?://' });
const countryCode = text(10)
  .refine((code) => countryCodes.has(code), 'Must be an ISO 3166-1 alpha-2 code in capitals')
  .meta({ maxLength: undefined, enum: [...countryCodes] });
const oneOf = <const Values extends readonly string[]>(values: Values) =>
  z.enum(values, `Must be one of ${values.map((value) => `'${value}'`).join(', ')}`);

const address = z.strictObject(
  describe(
    {
      id: text(100).min(1, 'Must not be empty'),
      addressee: text(200).nullable(),
      companyName: text(200).nullable(),
      attention: text(200).nullable(),
      phoneNumber: text(50).nullable(),
      line1: text(200).nullable(),
      line2: text(200).nullable(),
      city: text(200).nullable(),
      stateProvince: text(200).nullable(),
      postalCode: text(50).nullable(),
      countryCode: countryCode.nullable(),
    },
    addressDescriptions,
  ),
  'Must be an object',
);

const metadata = z.strictObject(
  describe(
    {
      title: text(200).nullable(),
      department: text(200).nullable(),
      reportsTo: uuid.nullable(),
      mobilePhone: text(50).nullable(),
      workPhone: text(50).nullable(),
      preferredContactMethod: oneOf(contactMethods).nullable(),
    },
    metadataDescriptions,
  ),
  'Must be an object',
);

const customFields = z.custom<JsonObject>(isJsonObject, 'Must be an object').meta({ type: 'object' });

/** Fields that the server sets: ignored, so that the body of a GET can be sent back. */
const ignored = z.unknown().optional().meta({ readOnly: true });

const fields = {
  name,
  displayName: text(200).nullable().optional(),
  code: text(100).nullable().optional(),
  email: email.nullable().optional(),
  phone: text(50).nullable().optional(),
  website: website.nullable().optional(),
  address: address.partial().nullable().optional(),
  parentEntityId: uuid.nullable().optional(),
  taxId: text(100).nullable().optional(),
  description: text(2_000).nullable().optional(),
  notes: text(10_000).nullable().optional(),
  customFields: customFields.nullable().optional(),
  metadata: metadata.partial().nullable().optional(),
  status: oneOf(statuses).optional(),
  isActive: z.boolean('Must be true or false').optional(),
  organizationId: ignored,
  primaryContactId: ignored,
  createdAt: ignored,
  updatedAt: ignored,
};

const entityTypes = (required: string) =>
  z
    .array(z.string('Must be text'), 'Must be a list')
    .max(ITEMS_MAX, TOO_MANY_ITEMS)
    .refine((types) => types.includes(required), `Must include '${required}'`)
    .meta({ contains: { const: required } });

const companyTypes = entityTypes('Company')
  .refine(
    (types) => types.every((type) => type === 'Company' || isRole(type)),
    `May include 'Company', ${companyRoles.map((role) => `'${role}'`).join(', ')} only`,
  )
  .meta({ contains: { const: 'Company' }, items: { type: 'string', enum: ['Company', ...companyRoles] } });

const contactFields = describe({ ...fields, id: ignored, entityTypes: entityTypes('Contact').nullable().optional() }, entityDescriptions);

const companyDescriptions = { ...entityDescriptions, entityTypes: "'Company', and any of 'Customer', 'Vendor', 'Partner'" };
const changeDescription = 'A JSON merge patch: what is absent stays, null clears, objects merge, arrays replace.';
/** For the reference: any field may be null besides what its schema says, as if it were not sent. */
const nullIsAbsent = true;

/** A new contact. Null means absent. */
export const newContactSchema = z
  .preprocess(dropNulls, agreeing(z.strictObject(contactFields)))
  .transform(contactPatch)
  .meta({ id: 'ContactInput', description: 'A new contact. null means absent.', nullIsAbsent });

/** A change of a contact, as a merge patch. */
export const contactPatchSchema = z
  .strictObject(describe({ ...contactFields, name: name.optional() }, entityDescriptions))
  .transform(contactPatch)
  .meta({ id: 'ContactPatch', description: changeDescription });

/** A new company; one that another system masters may bring its id. Null means absent. */
export const newCompanySchema = z
  .preprocess(dropNulls, agreeing(z.strictObject(describe({ ...fields, id: uuid.optional(), entityTypes: companyTypes.optional() }, companyDescriptions))))
  .transform(({ id, ...sent }) => ({ id, patch: companyPatch(sent) }))
  .meta({ id: 'CompanyInput', description: 'A new company. null means absent.', nullIsAbsent });

/** A change of a company, as a merge patch. Its roles are replaced when sent. */
export const companyPatchSchema = z
  .strictObject(describe({ ...fields, id: ignored, name: name.optional(), entityTypes: companyTypes.optional() }, companyDescriptions))
  .transform(({ id: _id, ...sent }) => companyPatch(sent))
  .meta({ id: 'CompanyPatch', description: changeDescription });

interface ServerFields {
  organizationId?: unknown;
  primaryContactId?: unknown;
  createdAt?: unknown;
  updatedAt?: unknown;
}

function contactPatch<Sent extends EntityPatch & ServerFields & { id?: unknown; entityTypes?: unknown }>(sent: Sent) {
  const { id: _id, entityTypes: _types, ...rest } = sent;
  return withoutServerFields(rest);
}

function companyPatch<Sent extends EntityPatch & ServerFields & { entityTypes?: string[] | undefined }>(sent: Sent) {
  const { entityTypes: types, ...rest } = sent;
  const patch = withoutServerFields(rest);
  return types === undefined ? patch : { ...patch, roles: types.filter(isRole) satisfies CompanyPatch['roles'] };
}

function withoutServerFields<Sent extends ServerFields>(sent: Sent) {
  const { organizationId: _organization, primaryContactId: _primary, createdAt: _created, updatedAt: _updated, ...patch } = sent;
  return patch;
}

function isRole(type: string): type is CompanyRole {
  return (companyRoles as readonly string[]).includes(type);
}

/**
 * `schema`, that also names a contradiction of status and isActive, whatever else is wrong. Only of
 * a new entity: the decider tells for a change, as it knows what is stored.
 */
function agreeing<Schema extends z.ZodType>(schema: Schema): Schema {
  return schema.refine((sent) => statusIssues(undefined, readableStatus(sent)).length === 0, {
    path: ['isActive'],
    error: 'Contradicts status',
    when: ({ value }) => isJsonObject(value),
  });
}

const bothStatuses = z.object({ status: z.enum(statuses), isActive: z.boolean() });

/** What a body that may be wrong elsewhere says of the status, as far as that can be read. */
function readableStatus(sent: unknown): EntityPatch {
  // Most say nothing of it, and to find them unfit would take longer than all their other checks.
  if (!isJsonObject(sent) || sent.isActive === undefined) return {};
  const parsed = bothStatuses.safeParse(sent);
  return parsed.success ? parsed.data : {};
}

/** The body without what is null, in its objects too; `customFields` are seen to by merging. */
function dropNulls(body: unknown): unknown {
  if (!isJsonObject(body) || !holdsNull(body)) return body;
  const entries = Object.entries(body).filter(([, value]) => value !== null);
  return Object.fromEntries(entries.map(([key, value]): [string, Json] => [key, key === 'customFields' ? value : (dropNulls(value) as Json)]));
}

/** Whether there is something to drop: in most bodies there is not. */
function holdsNull(body: JsonObject): boolean {
  return Object.entries(body).some(([key, value]) => value === null || (key !== 'customFields' && isJsonObject(value) && holdsNull(value)));
}

/** One `@`; a local part without spaces, quotes or stray dots; a domain of at least two labels. International ones too. */
function isEmail(value: string): boolean {
  const at = value.lastIndexOf('@');
  const local = value.slice(0, at);
  const labels = value.slice(at + 1).split('.');
  const localFits = /^[^\s@"(),:;<>[\]\\\p{Cc}]{1,64}$/u.test(local) && !/^\.|\.\.|\.$/.test(local);
  const labelFits = (label: string) => /^[\p{L}\p{N}\p{M}-]{1,63}$/u.test(label) && !/^-|-$/.test(label);
  return at > 0 && localFits && labels.length >= 2 && labels.every(labelFits) && /[^\d]{2}/.test(labels.at(-1) ?? '');
}

function isWebsite(value: string): boolean {
  return /^https?:\/\/[^\s]+$/i.test(value) && URL.canParse(value);
}
