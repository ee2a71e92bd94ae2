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

/** Of the contact `id`; of a new one when there is no id. @throws UnavailableError */
export async function contactIssues(deps: CommandDeps, organizationId: string, id: string | undefined, patch: EntityPatch): Promise<FieldIssue[]> {
  const { state, revision } = id === undefined ? { state: initialContact, revision: -1 } : await loadContact(deps.handler, organizationId, id);
  const facts = await contactFacts(deps, organizationId, { id: id ?? NEW, state, patch, revision: revision + 1 });
  const given = { addressId: NEW, facts };
  if (id === undefined) return issuesOf(decideContact(state, { type: 'create', id: NEW, patch: { ...patch, name: patch.name ?? '' }, ...given }));
  return issuesOf(decideContact(state, { type: 'update', patch, ...given }));
}

/** Of the company `id`; of a new one when there is no id. @throws UnavailableError */
export async function companyIssues(deps: CommandDeps, organizationId: string, id: string | undefined, patch: CompanyPatch): Promise<FieldIssue[]> {
  const { state } = id === undefined ? { state: initialCompany } : await loadCompany(deps.handler, organizationId, id);
  const parent = await parentFact(deps, organizationId, newParentOf(state, patch));
  const given = { addressId: NEW, parent };
  if (id === undefined) return issuesOf(decideCompany(state, { type: 'create', id: NEW, patch: { ...patch, name: patch.name ?? '' }, ...given }));
  return issuesOf(decideCompany(state, { type: 'update', patch, ...given }));
}

/** The id of what will not be made. */
const NEW = '';

function issuesOf(decision: Decision<unknown>): FieldIssue[] {
  return !decision.accepted && decision.rejection.code === 'INVALID' ? decision.rejection.issues : [];
}
