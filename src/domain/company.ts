// A company: an entity with a primary contact. What it can be asked, decides and becomes.

import { accept, reject, type Decision } from './decision.js';
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
import type { CompanyEvent } from './events/registry.js';
import type { Recorded } from './events/metadata.js';
import { jsonEqual } from './json.js';

export type Company = Entity;

/** What an entity besides 'Company' can be. */
export const companyRoles = ['Customer', 'Vendor', 'Partner'] as const;
export type CompanyRole = (typeof companyRoles)[number];

export type CompanyState = { phase: 'none' } | { phase: 'live'; company: Company } | { phase: 'deleted' };

/** What must be known of a contact that is to be a primary contact. */
export interface PrimaryCandidate {
  id: string;
  parentEntityId: string | null;
  archived: boolean;
}

export type ParentFact = 'fits' | 'unknown';

/** A company's patch can also name its roles, which replace the ones it has. */
export type CompanyPatch = EntityPatch & { roles?: CompanyRole[] };

/** `parent`: what was found of the parent that the patch newly names, where it must be known; see `newParent` of contacts. */
export type CompanyCommand =
  | { type: 'create'; id: string; patch: CompanyPatch & { name: string }; addressId: string; parent?: ParentFact }
  | { type: 'update'; patch: CompanyPatch; addressId: string; parent?: ParentFact }
  | { type: 'delete' }
  | { type: 'setPrimary'; contact: PrimaryCandidate }
  /** A reaction: that contact was deleted, archived or moved. Nothing to do when another is primary by now. */
  | { type: 'clearPrimary'; contactId: string };

export const initialCompany: CompanyState = { phase: 'none' };

/** The events that follow from `command`; none when it changes nothing. */
export function decideCompany(state: CompanyState, command: CompanyCommand): Decision<CompanyEvent> {
  if (command.type === 'create') return decideCreate(state, command);
  if (state.phase !== 'live') return reject({ code: 'COMPANY_NOT_FOUND' });
  const { company } = state;
  const companyId = company.id;
  switch (command.type) {
    case 'update':
      return decideUpdate(company, command);
    case 'delete':
      return accept({ type: 'CompanyDeleted', data: { companyId } });
    case 'setPrimary':
      return decideSetPrimary(company, command.contact);
    case 'clearPrimary':
      if (company.primaryContactId !== command.contactId) return accept();
      return accept({ type: 'PrimaryCleared', data: { companyId, contactId: command.contactId } });
  }
}

/** The state after one more event of the stream. */
export function evolveCompany(state: CompanyState, event: Recorded<CompanyEvent>): CompanyState {
  if (event.type === 'CompanyCreated') return { phase: 'live', company: newCompany(event) };
  if (event.type === 'CompanyDeleted') return { phase: 'deleted' };
  if (state.phase !== 'live') return state;
  const company = { ...state.company, updatedAt: event.metadata.occurredAt };
  switch (event.type) {
    case 'PrimarySet':
      return { phase: 'live', company: { ...company, primaryContactId: event.data.contactId } };
    case 'PrimaryCleared':
      return { phase: 'live', company: { ...company, primaryContactId: null } };
    case 'CompanyUpdated':
      return { phase: 'live', company: { ...company, ...withChanges(company, event.data.changes) } };
  }
}

function decideCreate(
  state: CompanyState,
  { id, patch, addressId, parent }: Extract<CompanyCommand, { type: 'create' }>,
): Decision<CompanyEvent> {
  if (state.phase !== 'none') return reject({ code: 'ALREADY_EXISTS' });
  const { roles, ...fieldsPatch } = patch;
  const fields = patchFields(emptyFields(patch.name), fieldsPatch, addressId);
  const issues = [...statusIssues(undefined, patch), ...parentIssues(id, patch, parent), ...sizeIssues(fields)];
  if (issues.length > 0) return reject({ code: 'INVALID', issues });
  const company = { ...fields, entityTypes: entityTypesOf(roles ?? []) };
  return accept({ type: 'CompanyCreated', data: { companyId: id, company } });
}

function decideUpdate(
  company: Company,
  { patch, addressId, parent }: Extract<CompanyCommand, { type: 'update' }>,
): Decision<CompanyEvent> {
  const { roles, ...fieldsPatch } = patch;
  const before = fieldsOf(company);
  const after = patchFields(before, fieldsPatch, addressId);
  const issues = [...statusIssues(company.status, patch), ...parentIssues(company.id, patch, parent), ...sizeIssues(after)];
  if (issues.length > 0) return reject({ code: 'INVALID', issues });
  const entityTypes = roles === undefined ? company.entityTypes : entityTypesOf(roles);
  const changes = {
    ...changesBetween(before, after),
    ...(before.status === after.status ? {} : { status: after.status }),
    ...(jsonEqual(company.entityTypes, entityTypes) ? {} : { entityTypes }),
  };
  if (Object.keys(changes).length === 0) return accept();
  return accept({ type: 'CompanyUpdated', data: { companyId: company.id, changes } });
}

function decideSetPrimary(company: Company, contact: PrimaryCandidate): Decision<CompanyEvent> {
  if (contact.parentEntityId !== company.id) return reject({ code: 'NOT_OF_COMPANY' });
  if (contact.archived) {
    return reject({ code: 'INVALID', issues: [{ field: 'status', message: 'An archived contact cannot be primary' }] });
  }
  const previousContactId = company.primaryContactId;
  if (previousContactId === contact.id) return accept();
  return accept({ type: 'PrimarySet', data: { companyId: company.id, contactId: contact.id, previousContactId } });
}

function parentIssues(id: string, patch: CompanyPatch, parent: ParentFact = 'fits') {
  const field = 'parentEntityId';
  if (patch.parentEntityId === id) return [{ field, message: 'A company cannot be its own parent' }];
  return parent === 'unknown' ? [{ field, message: 'No such company' }] : [];
}

/** 'Company' first, then the roles in one order whatever the order sent. */
function entityTypesOf(roles: readonly CompanyRole[]): string[] {
  return ['Company', ...companyRoles.filter((role) => roles.includes(role))];
}

function newCompany(event: Recorded<Extract<CompanyEvent, { type: 'CompanyCreated' }>>): Company {
  const at = event.metadata.occurredAt;
  return {
    ...event.data.company,
    id: event.data.companyId,
    organizationId: event.metadata.organizationId,
    primaryContactId: null,
    createdAt: at,
    updatedAt: at,
  };
}

function fieldsOf(company: Company): EntityFields {
  const { id, organizationId, entityTypes, primaryContactId, createdAt, updatedAt, ...fields } = company;
  return fields;
}
