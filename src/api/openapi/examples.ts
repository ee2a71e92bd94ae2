// The examples of the API's specification. Where it shows less than is answered, the rest is null;
// two of its ids hold letters that no hexadecimal number has, which are an `a` here.

const johnId = 'c12f8e21-4ab2-4589-ae0d-9c12654b8e7a';
const acmeId = 'd45f8e21-3ab2-4389-9e0d-9c12654b8e7a';
const john = { id: johnId, name: 'John Smith', displayName: 'John' };
const johnsMail = { email: 'john.smith@acme.com', phone: '555-123-4567' };

export const newContactExample = {
  name: 'John Smith',
  displayName: 'John',
  ...johnsMail,
  entityTypes: ['Contact'],
  parentEntityId: acmeId,
  address: { line1: '123 Main St', city: 'San Francisco', stateProvince: 'CA', postalCode: '94105', countryCode: 'US' },
  metadata: { title: 'Sales Director', department: 'Sales', workPhone: '555-123-4568', preferredContactMethod: 'email' },
  status: 'active',
};

export const contactExample = {
  ...john,
  organizationId: 'org_123456789',
  code: null,
  entityTypes: ['Contact'],
  ...johnsMail,
  website: null,
  address: {
    id: 'addr_987654321',
    addressee: null,
    companyName: null,
    attention: null,
    phoneNumber: null,
    line2: null,
    ...newContactExample.address,
  },
  parentEntityId: acmeId,
  primaryContactId: null,
  taxId: null,
  description: null,
  notes: null,
  customFields: null,
  metadata: { reportsTo: null, mobilePhone: null, ...newContactExample.metadata },
  status: 'active',
  isActive: true,
  createdAt: '2025-06-03T10:15:30.000Z',
  updatedAt: '2025-06-03T10:15:30.000Z',
};

export const contactPatchExample = {
  displayName: 'Johnny',
  metadata: { title: 'VP of Sales', mobilePhone: '555-999-8888', preferredContactMethod: 'mobile' },
};

export const changedContactExample = {
  ...contactExample,
  displayName: 'Johnny',
  metadata: { ...contactExample.metadata, ...contactPatchExample.metadata },
  updatedAt: '2025-06-03T11:30:45.000Z',
};

export const erasureExample = {
  contactId: johnId,
  erasedAt: '2025-06-04T08:00:00.000Z',
  actor: { sub: 'dpo@acme.com' },
  requestId: '3f0c9a4e-0b77-4f4e-9d0c-5a1de2b7a111',
  purged: [{ place: 'events', what: 'The key of its personal data is destroyed: every event of it reads as [erased].' }],
  outOfReach: [{ place: 'backups of keys', what: 'One made before holds its key: delete it when its time is up.' }],
};

const pageFacts = { total: 1, page: 1, limit: 20, totalPages: 1, nextCursor: null };
export const contactsPageExample = { data: [contactExample], ...pageFacts };

const jane = { id: 'd34f9e32-5cc3-4690-cf1e-9d43765c9f8c', name: 'Jane Doe', displayName: 'Jane' };
const accountExecutive = { title: 'Account Executive', department: 'Sales' };

export const hierarchyExample = {
  'a23f8e21-3bb2-4589-be0d-8c32654b8e7b': [
    { ...john, metadata: { title: 'Sales Manager', department: 'Sales' } },
    { ...jane, metadata: accountExecutive },
  ],
};

export const companyContactsExample = {
  data: [
    { ...john, ...johnsMail, metadata: { title: 'Sales Director', department: 'Sales' }, status: 'active' },
    {
      id: 'e45f0e43-6dd4-4701-df2f-0e54876d0a9d',
      name: 'Sarah Johnson',
      displayName: 'Sarah',
      email: 'sarah.johnson@acme.com',
      phone: '555-234-5678',
      metadata: { title: 'Marketing Manager', department: 'Marketing' },
      status: 'active',
    },
  ],
};

export const departmentContactsExample = {
  data: [
    { ...john, email: johnsMail.email, metadata: { title: 'Sales Director', department: 'Sales' } },
    { ...jane, email: 'jane.doe@acme.com', metadata: accountExecutive },
  ],
};

const prefersEmail = { preferredContactMethod: 'email' };
export const methodContactsExample = {
  data: [
    { id: johnId, name: 'John Smith', ...johnsMail, metadata: prefersEmail },
    { id: 'f56a1f54-7ee5-4812-ea3a-1f65987e1a0e', name: 'Emily Chen', email: 'emily.chen@globex.com', phone: '555-345-6789', metadata: prefersEmail },
  ],
};

export const primaryExample = {
  contact: { ...john, email: johnsMail.email, parentEntityId: acmeId },
  company: { id: acmeId, name: 'Acme Corporation', primaryContactId: johnId },
};

export const newCompanyExample = { name: 'Acme Corporation', entityTypes: ['Company', 'Customer'], website: 'https://acme.com' };

export const companyExample = {
  ...contactExample,
  id: acmeId,
  name: 'Acme Corporation',
  displayName: null,
  entityTypes: ['Company', 'Customer'],
  email: null,
  phone: null,
  website: 'https://acme.com',
  address: null,
  parentEntityId: null,
  primaryContactId: johnId,
  metadata: { title: null, department: null, reportsTo: null, mobilePhone: null, workPhone: null, preferredContactMethod: null },
};

export const companiesPageExample = { data: [companyExample], ...pageFacts };
export const companyPatchExample = { displayName: 'Acme', entityTypes: ['Company', 'Customer', 'Partner'] };
export const changedCompanyExample = {
  ...companyExample,
  displayName: 'Acme',
  entityTypes: ['Company', 'Customer', 'Partner'],
  updatedAt: '2025-06-03T11:30:45.000Z',
};

/** What the path parameters of the examples name. */
export const exampleIds = { contact: johnId, company: acmeId };

/** The specification's example of an error. */
export const errorExample = {
  error: 'VALIDATION_ERROR',
  message: 'Request data failed validation',
  details: [{ field: 'email', message: 'Invalid email format' }],
};
