// The routes of companies.

import { createCompany, deleteCompany, updateCompany } from '../../commands/companies.js';
import type { Company, CompanyState } from '../../domain/company.js';
import { principalOf, type ApiContext } from '../context.js';
import type { RouteDeps } from '../deps.js';
import { companyNotFound } from '../errors.js';
import { answerOnce } from '../idempotency.js';
import type { Route } from '../routing.js';
import { companyPatchSchema, newCompanySchema } from '../schemas/entity.js';
import { noParameters } from '../schemas/queries.js';
import { validate } from '../validate.js';
import { companyId } from './contacts.js';
import { answerChanged, answerList, answerResource, conditionalContext, created, requireBody, stateOf } from './resources.js';

export function companyRoutes(deps: RouteDeps): Route[] {
  const { commands, readStore } = deps;
  const update = (ctx: ApiContext) => putCompany(ctx, deps);
  return [
    { method: 'POST', path: '/companies', scope: 'companies:write', handle: (ctx) => postCompany(ctx, deps) },
    {
      method: 'GET',
      path: '/companies',
      scope: 'companies:read',
      handle: (ctx) => answerList(ctx, (query) => readStore.listCompanies(principalOf(ctx).organizationId, query)),
    },
    {
      method: 'GET',
      path: '/companies/{id}',
      scope: 'companies:read',
      handle: async (ctx) => {
        validate(noParameters, ctx.query, 'query');
        const company = await readStore.getCompany(principalOf(ctx).organizationId, companyId(ctx, 'id'));
        answerResource(ctx, company, companyNotFound);
      },
    },
    { method: 'PUT', path: '/companies/{id}', scope: 'companies:write', handle: update },
    { method: 'PATCH', path: '/companies/{id}', scope: 'companies:write', handle: update },
    {
      method: 'DELETE',
      path: '/companies/{id}',
      scope: 'companies:write',
      handle: async (ctx) => {
        validate(noParameters, ctx.query, 'query');
        stateOf(await deleteCompany(commands, conditionalContext(ctx), companyId(ctx, 'id')));
        ctx.status = 204;
      },
    },
  ];
}

async function postCompany(ctx: ApiContext, { commands, idempotency }: RouteDeps): Promise<void> {
  const { raw, value } = await requireBody(ctx);
  const { id: givenId, patch } = validate(newCompanySchema, value, 'body');
  await answerOnce(ctx, idempotency, raw, async (context) => {
    const { state, revision } = stateOf(await createCompany(commands, context, { givenId, patch }));
    return created('/companies', companyOf(state), revision);
  });
}

async function putCompany(ctx: ApiContext, { commands }: RouteDeps): Promise<void> {
  const id = companyId(ctx, 'id');
  const { value } = await requireBody(ctx);
  const patch = validate(companyPatchSchema, value, 'body');
  const { state, revision } = stateOf(await updateCompany(commands, conditionalContext(ctx), { id, patch }));
  answerChanged(ctx, companyOf(state), revision);
}

function companyOf(state: CompanyState): Company {
  if (state.phase !== 'live') throw companyNotFound();
  return state.company;
}
