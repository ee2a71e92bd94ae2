// What each field is, in the words of the specification: said once for requests and answers.

import type { z } from 'zod';

/** Of a contact or a company. */
export const entityDescriptions: Readonly<Record<string, string>> = {
  id: 'Unique identifier, made by the server',
  organizationId: 'Organization it belongs to',
  name: 'Full name',
  displayName: 'Display name',
  code: 'Optional code identifier',
  entityTypes: 'Entity types',
  email: 'Email address',
  phone: 'Primary phone number',
  website: 'Website URL',
  address: 'Physical address',
  parentEntityId: 'ID of the parent entity, such as the company',
  primaryContactId: 'ID of the primary contact; always null on a contact',
  taxId: 'Tax identification number',
  description: 'Brief description',
  notes: 'Additional notes',
  customFields: 'Any JSON object; 100 kB once merged. null removes a field',
  metadata: "The contact's role, reporting line and how to reach them",
  status: "Status: 'active', 'inactive' or 'archived'",
  isActive: "Whether it is active: true exactly when the status is 'active'",
  createdAt: 'When it was created',
  updatedAt: 'When it was last changed',
};

export const addressDescriptions: Readonly<Record<string, string>> = {
  id: 'Identifier of the address: made by the server when none is sent, and kept',
  addressee: 'Name of addressee',
  companyName: 'Company name for address',
  attention: 'Attention line',
  phoneNumber: 'Phone number for address',
  line1: 'Address line 1',
  line2: 'Address line 2',
  city: 'City',
  stateProvince: 'State or province',
  postalCode: 'Postal or ZIP code',
  countryCode: 'Two-letter ISO country code, in capitals',
};

export const metadataDescriptions: Readonly<Record<string, string>> = {
  title: 'Job title',
  department: 'Department',
  reportsTo: 'ID of the contact this person reports to: one of the same organization, and no cycle',
  mobilePhone: 'Mobile phone number',
  workPhone: 'Work phone number',
  preferredContactMethod: "Preferred method: 'email', 'phone' or 'mobile'",
};

/** The same fields, each with its description for the reference. @throws TypeError for a field without one */
export function describe<const Shape extends z.ZodRawShape>(shape: Shape, descriptions: Readonly<Record<string, string>>): Shape {
  const described = Object.entries(shape).map(([field, schema]) => {
    const description = descriptions[field];
    if (description === undefined) throw new TypeError(`the field ${field} has no description`);
    return [field, (schema as z.ZodType).meta({ description })];
  });
  return Object.fromEntries(described) as Shape;
}
