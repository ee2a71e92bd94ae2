// Creates, changes and deletes companies.

import { decideCompany, type CompanyPatch, type CompanyState } from '../domain/company.js';
import { companyStream } from '../domain/streams.js';
import { companyAggregate } from './aggregates.js';
import type { CommandDeps } from './deps.js';
import type { CommandContext, Outcome } from './handle.js';
import { newAddressId } from './newIds.js';

/** Creates a company, under `givenId` when another system masters it. */
export function createCompany(
  { handler }: CommandDeps,
  context: CommandContext,
  { givenId, patch }: { givenId: string | undefined; patch: CompanyPatch & { name: string } },
): Promise<Outcome<CompanyState>> {
  const id = givenId ?? context.reserved?.aggregateId ?? handler.ids.next();
  const addressId = newAddressId(handler.ids);
  return handler.execute(companyAggregate, companyStream(context.organizationId, id), context, ({ state }) =>
    decideCompany(state, { type: 'create', id, patch, addressId }),
  );
}

/** Changes company `id` by a merge patch. */
export function updateCompany(
  { handler }: CommandDeps,
  context: CommandContext,
  { id, patch }: { id: string; patch: CompanyPatch },
): Promise<Outcome<CompanyState>> {
  const addressId = newAddressId(handler.ids);
  return handler.execute(companyAggregate, companyStream(context.organizationId, id), context, ({ state }) =>
    decideCompany(state, { type: 'update', patch, addressId }),
  );
}

/** Deletes company `id`; its contacts keep their `parentEntityId`, as of any company mastered elsewhere. */
export function deleteCompany({ handler }: CommandDeps, context: CommandContext, id: string): Promise<Outcome<CompanyState>> {
  return handler.execute(companyAggregate, companyStream(context.organizationId, id), context, ({ state }) =>
    decideCompany(state, { type: 'delete' }),
  );
}
