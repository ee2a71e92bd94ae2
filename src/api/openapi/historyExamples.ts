// Examples of histories.

import { exampleIds } from './examples.js';

const entry = {
  eventId: '0197f4a0-6c1e-7c3a-9d55-3b1f7a1c0e11',
  type: 'ContactCreated',
  revision: 0,
  at: '2025-06-03T10:15:30.000Z',
  actor: { sub: 'anna@example.com' },
  requestId: '3f0c9a4e-0b77-4f4e-9d0c-5a1de2b7a111',
  changes: [
    { field: 'name', from: null, to: 'John Smith' },
    { field: 'metadata.title', from: null, to: 'Sales Director' },
    { field: 'status', from: null, to: 'active' },
  ],
};

const change = {
  ...entry,
  eventId: '0197f4e5-2a40-7d0b-8c1f-6f2f0a9b4d22',
  type: 'ContactUpdated',
  revision: 1,
  at: '2025-06-03T11:30:45.000Z',
  requestId: '8c0e1d52-5a0e-4a0c-a6ce-07a5f3f3f222',
  changes: [{ field: 'metadata.title', from: 'Sales Director', to: 'VP of Sales' }],
};

export const historyExample = { data: [entry, change], nextCursor: null };

export const companyHistoryExample = {
  data: [{ ...entry, type: 'CompanyCreated', changes: [{ field: 'name', from: null, to: 'Acme Corporation' }] }],
  nextCursor: null,
};

export const auditExample = { data: [{ ...change, contactId: exampleIds.contact }, { ...entry, contactId: exampleIds.contact }], nextCursor: null };

const jane = { id: 'd34f9e32-5cc3-4690-cf1e-9d43765c9f8c', name: 'Jane Doe', displayName: 'Jane' };
const john = { id: exampleIds.contact, name: 'John Smith', displayName: 'John', metadata: { title: 'VP of Sales', department: 'Sales' } };

export const chartDiffExample = {
  from: '2025-06-01T00:00:00.000Z',
  to: '2025-07-01T00:00:00.000Z',
  joined: [],
  left: [],
  moved: [{ ...john, from: null, to: jane }],
};

export const auditCsvExample = [
  'at,type,actor,contactId,companyId,webhookId,revision,eventId,requestId,changes',
  `${change.at},${change.type},${change.actor.sub},${exampleIds.contact},,,1,${change.eventId},${change.requestId},"${JSON.stringify(change.changes).replaceAll('"', '""')}"`,
  '',
].join('\r\n');
