// Creates, changes and deletes companies.

import { decideCompany, type CompanyPatch, type CompanyState } from '../domain/company.js';
import { companyStream } from '../domain/streams.js';
import { companyAggregate } from './aggregates.js';
import { parentFact } from './contactFacts.js';
import type { CommandDeps } from './deps.js';
import type { CommandContext, Outcome } from './handle.js';
import { newAddressId } from './newIds.js';

/** Creates a company, under `givenId` when another system masters it. */
export function createCompany(
  deps: CommandDeps,
  context: CommandContext,
  { givenId, patch }: { givenId: string | undefined; patch: CompanyPatch & { name: string } },
): Promise<Outcome<CompanyState>> {
  const { handler } = deps;
  const { organizationId } = context;
  const id = givenId ?? context.reserved?.aggregateId ?? handler.ids.next();
  const addressId = newAddressId(handler.ids);
  const decide = async ({ state }: { state: CompanyState }) => {
    const parent = await parentFact(deps, organizationId, newParentOf(state, patch));
    return decideCompany(state, { type: 'create', id, patch, addressId, parent });
  };
  const stream = companyStream(organizationId, id);
  return givenId === undefined ? handler.create(companyAggregate, stream, context, decide) : handler.execute(companyAggregate, stream, context, decide);
}

/** Changes company `id` by a merge patch. */
export function updateCompany(
  deps: CommandDeps,
  context: CommandContext,
  { id, patch }: { id: string; patch: CompanyPatch },
): Promise<Outcome<CompanyState>> {
  const { handler } = deps;
  const { organizationId } = context;
  const addressId = newAddressId(handler.ids);
  return handler.execute(companyAggregate, companyStream(organizationId, id), context, async ({ state }) => {
    const parent = await parentFact(deps, organizationId, newParentOf(state, patch));
    return decideCompany(state, { type: 'update', patch, addressId, parent });
  });
}

/** The parent that `patch` newly names; null when there is none. */
export function newParentOf(state: CompanyState, patch: CompanyPatch): string | null {
  const parent = patch.parentEntityId ?? null;
  return state.phase === 'live' && state.company.parentEntityId === parent ? null : parent;
}

/** Deletes company `id`; its contacts keep their `parentEntityId`, as of any company mastered elsewhere. */
export function deleteCompany({ handler }: CommandDeps, context: CommandContext, id: string): Promise<Outcome<CompanyState>> {
  return handler.execute(companyAggregate, companyStream(context.organizationId, id), context, ({ state }) =>
    decideCompany(state, { type: 'delete' }),
  );
}
