// What is answered: the full shape and the short ones, as schemas. The types of views come from
// them, and so does the reference. Every field is present, null when unset.

import { z } from 'zod';
import { addressSchema, metadataSchema, statuses, type Address, type Metadata } from '../../domain/entity.js';
import type { JsonObject } from '../../domain/json.js';
import { addressDescriptions, describe, entityDescriptions, metadataDescriptions } from './describe.js';
import { uuidPattern } from './entity.js';

const text = z.string().nullable();
export const id = z.string().meta({ format: 'uuid', pattern: uuidPattern.source });
/** A time, ISO 8601 in UTC with milliseconds. */
export const time = z.string().meta({ format: 'date-time' });

const address: z.ZodType<Address> = z
  .strictObject(describe(addressSchema.shape, addressDescriptions))
  .meta({ id: 'Address', description: 'A physical address.' });
const metadataShape = describe(metadataSchema.shape, metadataDescriptions);
const metadata: z.ZodType<Metadata> = z.strictObject(metadataShape).meta({ id: 'ContactMetadata', description: 'Role and reporting line.' });
const customFields = z.custom<JsonObject>().meta({ type: 'object' }).nullable();

const fields = describe(
  {
    id,
    organizationId: z.string(),
    name: z.string(),
    displayName: text,
    code: text,
    entityTypes: z.array(z.string()),
    email: text,
    phone: text,
    website: text,
    address: address.nullable(),
    parentEntityId: id.nullable(),
    primaryContactId: id.nullable(),
    taxId: text,
    description: text,
    notes: text,
    customFields,
    metadata,
    status: z.enum(statuses),
    isActive: z.boolean(),
    createdAt: time,
    updatedAt: time,
  },
  entityDescriptions,
);

const entitySchema = z.strictObject(fields);
export const contactSchema = entitySchema.meta({ id: 'Contact', description: 'A contact in full.' });
export const companySchema = entitySchema.meta({ id: 'Company', description: 'A company in full: the shape of a contact.' });
export type FullView = z.infer<typeof entitySchema>;

const { title, department, preferredContactMethod } = metadataShape;
const { name, displayName, email, phone, parentEntityId, primaryContactId, status } = fields;
const role = z.strictObject({ title, department });

export const hierarchyContactSchema = z
  .strictObject({ id: fields.id, name, displayName, metadata: role })
  .meta({ id: 'HierarchyContact', description: 'A contact in the hierarchy map.' });
export const companyContactSchema = z
  .strictObject({ id: fields.id, name, displayName, email, phone, metadata: role, status })
  .meta({ id: 'CompanyContact', description: 'A contact among those of its company.' });
export const departmentContactSchema = z
  .strictObject({ id: fields.id, name, displayName, email, metadata: role })
  .meta({ id: 'DepartmentContact', description: 'A contact among those of its department.' });
export const methodContactSchema = z
  .strictObject({ id: fields.id, name, email, phone, metadata: z.strictObject({ preferredContactMethod }) })
  .meta({ id: 'ContactMethodContact', description: 'A contact among those who prefer a contact method.' });
export const primarySchema = z
  .strictObject({
    contact: z.strictObject({ id: fields.id, name, displayName, email, parentEntityId }),
    company: z.strictObject({ id: fields.id, name, primaryContactId }),
  })
  .meta({ id: 'PrimaryContact', description: 'A company and its primary contact.' });

const paging = {
  total: z.int().min(0).meta({ description: 'How many there are in all' }),
  page: z.int().min(1).meta({ description: 'The number of this page' }),
  limit: z.int().min(1).meta({ description: 'How many a page holds' }),
  totalPages: z.int().min(0).meta({ description: 'How many pages there are' }),
  nextCursor: text.meta({ description: 'The `cursor` of the next page; null when this is the last' }),
};

/** A page of `item`s. */
export const pageOf = <Item extends z.ZodType>(item: Item) => z.strictObject({ data: z.array(item), ...paging });

/** All `item`s, or a page of them where the request asks for one. */
export const listOf = <Item extends z.ZodType>(item: Item) =>
  z
    .strictObject({ data: z.array(item), ...z.strictObject(paging).partial().shape })
    .meta({ description: 'Everything in `data`; with `limit`, `page` or `cursor` a page, and how it stands among the others.' });

/** Who reports to whom: lists of contacts by their manager's id. */
export const hierarchySchema = z.record(id, z.array(hierarchyContactSchema)).meta({ id: 'Hierarchy', description: 'By manager.' });
