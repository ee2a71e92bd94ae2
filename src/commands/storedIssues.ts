// What is stored and speaks against a patch: asked when the patch is refused anyway, so that the
// refusal names everything. Nothing is claimed or written.

import { decideCompany, initialCompany, type CompanyPatch } from '../domain/company.js';
import { decideContact, initialContact } from '../domain/contact.js';
import type { Decision, FieldIssue } from '../domain/decision.js';
import type { EntityPatch } from '../domain/entity.js';
import { loadCompany, loadContact } from './aggregates.js';
import { newParentOf } from './companies.js';
import { contactFacts, parentFact } from './contactFacts.js';
import type { CommandDeps } from './deps.js';

/** The id of what will not be made. */
const NONE = '';

/** Of a new contact. @throws UnavailableError */
export async function newContactIssues(deps: CommandDeps, organizationId: string, patch: EntityPatch & { name: string }): Promise<FieldIssue[]> {
  const facts = await contactFacts(deps, organizationId, { id: NONE, state: initialContact, patch, revision: 0 });
  return issuesOf(decideContact(initialContact, { type: 'create', id: NONE, patch, addressId: NONE, facts }));
}

/** Of a change of the contact `id`. @throws UnavailableError */
export async function contactIssues(deps: CommandDeps, organizationId: string, id: string, patch: EntityPatch): Promise<FieldIssue[]> {
  const { state, end } = await loadContact(deps.handler, organizationId, id);
  const facts = await contactFacts(deps, organizationId, { id, state, patch, revision: end + 1 });
  return issuesOf(decideContact(state, { type: 'update', patch, addressId: NONE, facts }));
}

/** Of a new company. @throws UnavailableError */
export async function newCompanyIssues(deps: CommandDeps, organizationId: string, patch: CompanyPatch & { name: string }): Promise<FieldIssue[]> {
  const parent = await parentFact(deps, organizationId, newParentOf(initialCompany, patch));
  return issuesOf(decideCompany(initialCompany, { type: 'create', id: NONE, patch, addressId: NONE, parent }));
}

/** Of a change of the company `id`. @throws UnavailableError */
export async function companyIssues(deps: CommandDeps, organizationId: string, id: string, patch: CompanyPatch): Promise<FieldIssue[]> {
  const { state } = await loadCompany(deps.handler, organizationId, id);
  const parent = await parentFact(deps, organizationId, newParentOf(state, patch));
  return issuesOf(decideCompany(state, { type: 'update', patch, addressId: NONE, parent }));
}

function issuesOf(decision: Decision<unknown>): FieldIssue[] {
  return !decision.accepted && decision.rejection.code === 'INVALID' ? decision.rejection.issues : [];
}
