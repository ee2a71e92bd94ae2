// A contact: what it can be asked, what it decides, and how its events make its state.

import { accept, reject, type Decision, type FieldIssue } from './decision.js';
import {
  changesBetween,
  emptyFields,
  patchFields,
  sizeIssues,
  statusIssues,
  withChanges,
  type Entity,
  type EntityFields,
  type EntityPatch,
} from './entity.js';
import type { Recorded } from './events/metadata.js';
import type { ContactEvent } from './events/registry.js';

export type Contact = Entity;

/** A contact that was never created, one that lives, one that was deleted (and can be restored) or erased. */
export type ContactState =
  | { phase: 'none' }
  | { phase: 'live'; contact: Contact }
  | { phase: 'deleted'; contact: Contact }
  | { phase: 'erased'; erasure: Erasure };

/** When, by whom and by which request a contact was erased. */
export interface Erasure {
  at: string;
  by: string;
  requestId: string;
}

/**
 * What the decider cannot know by itself and the caller found out for this patch. Only asked
 * for the manager or parent that the patch newly names; see `newManager` and `newParent`.
 */
export interface ContactFacts {
  manager: 'fits' | 'unknown' | 'cycle';
  parent: 'fits' | 'unknown';
}

/** `addressId` is the id for an address that the command may make. */
export type ContactCommand =
  | { type: 'create'; id: string; patch: EntityPatch & { name: string }; addressId: string; facts: ContactFacts }
  | { type: 'update'; patch: EntityPatch; addressId: string; facts: ContactFacts }
  | { type: 'delete' }
  /** Brings a deleted contact back as it was, but with `manager`: the one it had may be gone. Nothing to do for a living one. */
  | { type: 'restore'; manager: string | null }
  /** Nothing to do when it is erased already. `reason` stays readable for ever. */
  | { type: 'erase'; reason: string }
  /** A reaction to the deletion of the manager; nothing to do when it reports to another by now. */
  | { type: 'leaveManager'; managerId: string }
  /** A no-op that makes an unfulfilled claim of the next revision impossible. */
  | { type: 'fenceReportingLine' };

export const initialContact: ContactState = { phase: 'none' };

/** The events that follow from `command`; none when it changes nothing. */
export function decideContact(state: ContactState, command: ContactCommand): Decision<ContactEvent> {
  if (command.type === 'create') return decideCreate(state, command);
  if (command.type === 'restore') return decideRestore(state, command.manager);
  if (command.type === 'erase') return decideErase(state, command.reason);
  if (command.type === 'fenceReportingLine') return decideFence(state);
  if (state.phase !== 'live') return reject({ code: 'CONTACT_NOT_FOUND' });
  const { contact } = state;
  const contactId = contact.id;
  switch (command.type) {
    case 'update':
      return decideUpdate(contact, command);
    case 'delete':
      return accept({ type: 'ContactDeleted', data: { contactId } });
    case 'leaveManager':
      if (contact.metadata.reportsTo !== command.managerId) return accept();
      return accept({ type: 'ContactUpdated', data: { contactId, changes: { metadata: { reportsTo: null } } } });
  }
}

/** The state after one more event of the stream. */
export function evolveContact(state: ContactState, event: Recorded<ContactEvent>): ContactState {
  const at = event.metadata.occurredAt;
  switch (event.type) {
    case 'ContactCreated':
      return { phase: 'live', contact: newContact(event.data.contact, event, at) };
    case 'ContactRestored':
      return { phase: 'live', contact: newContact(event.data.contact, event, event.data.createdAt) };
    case 'ContactErased':
      return { phase: 'erased', erasure: { at, by: event.metadata.actor.sub, requestId: event.metadata.requestId } };
    case 'ContactDeleted':
      return state.phase === 'live' ? { phase: 'deleted', contact: state.contact } : state;
    case 'ContactUpdated':
      if (state.phase !== 'live') return state;
      return { phase: 'live', contact: { ...state.contact, ...withChanges(state.contact, event.data.changes), updatedAt: at } };
    case 'ContactStatusChanged':
      if (state.phase !== 'live') return state;
      return { phase: 'live', contact: { ...state.contact, status: event.data.to, updatedAt: at } };
    case 'ReportingLineFenced':
      return state;
  }
}

/** The manager that `patch` newly names and that must be looked at; null when there is none. */
export function newManager(state: ContactState, patch: EntityPatch): string | null {
  const manager = patch.metadata?.reportsTo ?? null;
  return state.phase === 'live' && state.contact.metadata.reportsTo === manager ? null : manager;
}

/** The parent that `patch` newly names; null when there is none. */
export function newParent(state: ContactState, patch: EntityPatch): string | null {
  const parent = patch.parentEntityId ?? null;
  return state.phase === 'live' && state.contact.parentEntityId === parent ? null : parent;
}

function decideCreate(
  state: ContactState,
  { id, patch, addressId, facts }: Extract<ContactCommand, { type: 'create' }>,
): Decision<ContactEvent> {
  if (state.phase !== 'none') return reject({ code: 'ALREADY_EXISTS' });
  const contact = patchFields(emptyFields(patch.name), patch, addressId);
  const issues = [...statusIssues(undefined, patch), ...factIssues(id, state, patch, facts), ...sizeIssues(contact)];
  if (issues.length > 0) return reject({ code: 'INVALID', issues });
  return accept({ type: 'ContactCreated', data: { contactId: id, contact } });
}

function decideUpdate(
  contact: Contact,
  { patch, addressId, facts }: Extract<ContactCommand, { type: 'update' }>,
): Decision<ContactEvent> {
  const before = fieldsOf(contact);
  const after = patchFields(before, patch, addressId);
  const state: ContactState = { phase: 'live', contact };
  const issues = [
    ...statusIssues(contact.status, patch),
    ...factIssues(contact.id, state, patch, facts),
    ...sizeIssues(after),
  ];
  if (issues.length > 0) return reject({ code: 'INVALID', issues });
  const contactId = contact.id;
  const changes = changesBetween(before, after);
  const events: ContactEvent[] = changes === undefined ? [] : [{ type: 'ContactUpdated', data: { contactId, changes } }];
  if (before.status !== after.status) {
    events.push({ type: 'ContactStatusChanged', data: { contactId, from: before.status, to: after.status } });
  }
  return accept(...events);
}

function decideRestore(state: ContactState, manager: string | null): Decision<ContactEvent> {
  if (state.phase === 'live') return accept();
  if (state.phase !== 'deleted') return reject({ code: 'CONTACT_NOT_FOUND' });
  const { id, createdAt } = state.contact;
  const fields = fieldsOf(state.contact);
  const contact = { ...fields, metadata: { ...fields.metadata, reportsTo: manager } };
  const had = fields.metadata.reportsTo;
  return accept({ type: 'ContactRestored', data: { contactId: id, contact, createdAt, ...(had === manager || had === null ? {} : { formerManager: had }) } });
}

function decideErase(state: ContactState, reason: string): Decision<ContactEvent> {
  if (state.phase === 'erased') return accept();
  if (state.phase === 'none') return reject({ code: 'CONTACT_NOT_FOUND' });
  return accept({ type: 'ContactErased', data: { contactId: state.contact.id, reason } });
}

/** A deleted contact, too, may have a claim: of one who was restoring it. */
function decideFence(state: ContactState): Decision<ContactEvent> {
  if (state.phase !== 'live' && state.phase !== 'deleted') return reject({ code: 'CONTACT_NOT_FOUND' });
  return accept({ type: 'ReportingLineFenced', data: { contactId: state.contact.id } });
}

function factIssues(id: string, state: ContactState, patch: EntityPatch, facts: ContactFacts) {
  const issues: FieldIssue[] = [];
  const manager = newManager(state, patch);
  const field = 'metadata.reportsTo';
  if (manager === id) issues.push({ field, message: 'A contact cannot report to itself' });
  else if (manager !== null && facts.manager === 'unknown') issues.push({ field, message: 'No such contact' });
  else if (manager !== null && facts.manager === 'cycle') {
    issues.push({ field, message: 'Would close a cycle: that contact reports to this one, directly or not' });
  }
  if (newParent(state, patch) !== null && facts.parent === 'unknown') {
    issues.push({ field: 'parentEntityId', message: 'No such company' });
  }
  return issues;
}

/** Fields are named one by one: spreading them into a larger object takes ten times as long. */
function newContact(fields: EntityFields, event: Recorded<ContactEvent>, createdAt: string): Contact {
  const { name, displayName, code, email, phone, website, address, parentEntityId, taxId, description, notes, customFields, metadata, status } = fields;
  return {
    name,
    displayName,
    code,
    email,
    phone,
    website,
    address,
    parentEntityId,
    taxId,
    description,
    notes,
    customFields,
    metadata,
    status,
    id: event.data.contactId,
    organizationId: event.metadata.organizationId,
    entityTypes: ['Contact'],
    primaryContactId: null,
    createdAt,
    updatedAt: event.metadata.occurredAt,
  };
}

function fieldsOf(contact: Contact): EntityFields {
  const { id, organizationId, entityTypes, primaryContactId, createdAt, updatedAt, ...fields } = contact;
  return fields;
}
