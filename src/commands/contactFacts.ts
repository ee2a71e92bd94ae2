// Finds out what the contact's decider cannot know by itself.

import { newManager, newParent, type ContactFacts, type ContactState } from '../domain/contact.js';
import type { EntityPatch } from '../domain/entity.js';
import { loadCompany } from './aggregates.js';
import type { CommandDeps } from './deps.js';

/**
 * The facts about what `patch` newly names on contact `id`, whose next event has `revision`.
 * Nothing is claimed yet.
 */
export async function contactFacts(
  deps: CommandDeps,
  organizationId: string,
  { id, state, patch, revision }: { id: string; state: ContactState; patch: EntityPatch; revision: number },
): Promise<ContactFacts> {
  const manager = newManager(state, patch);
  return {
    manager: manager === null || manager === id ? 'fits' : await managerFact(deps, organizationId, { id, state, manager, revision }),
    parent: await parentFact(deps, organizationId, newParent(state, patch)),
  };
}

async function managerFact(
  { lines }: CommandDeps,
  organizationId: string,
  { id, state, manager, revision }: { id: string; state: ContactState; manager: string; revision: number },
): Promise<ContactFacts['manager']> {
  if (state.phase === 'none') return lines.lookUp(organizationId, manager);
  return lines.check(organizationId, { contactId: id, managerId: manager, revision });
}

/** Whether `parentId` may be named as a parent; null names none. */
export async function parentFact(
  { handler, strictParentEntity }: CommandDeps,
  organizationId: string,
  parentId: string | null,
): Promise<ContactFacts['parent']> {
  if (!strictParentEntity || parentId === null) return 'fits';
  const { state } = await loadCompany(handler, organizationId, parentId);
  return state.phase === 'live' ? 'fits' : 'unknown';
}
