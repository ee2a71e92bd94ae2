// The routes of companies.

import { companyIssues, newCompanyIssues } from '../../commands/storedIssues.js';
import { createCompany, deleteCompany, updateCompany } from '../../commands/companies.js';
import type { Company, CompanyState } from '../../domain/company.js';
import { principalOf } from '../context.js';
import type { RouteDeps } from '../deps.js';
import { companyNotFound } from '../errors.js';
import { answerOnce } from '../idempotency.js';
import { changedCompanyExample, companiesPageExample, companyExample, companyPatchExample, newCompanyExample } from '../openapi/examples.js';
import { createdResponse, pageResponse, resourceResponse } from '../openapi/responses.js';
import { route, type Route } from '../routing.js';
import { companyPatchSchema, newCompanySchema } from '../schemas/entity.js';
import { companyIdParameter } from '../schemas/paths.js';
import { listParameters } from '../schemas/queries.js';
import { companySchema } from '../schemas/views.js';
import { companyId } from './contacts.js';
import { answerChanged, answerList, answerResource, besides, conditionalContext, created, stateOf } from './resources.js';

export function companyRoutes(deps: RouteDeps): Route[] {
  return [createRoute(deps), listRoute(deps), getRoute(deps), ...changeRoutes(deps), deleteRoute(deps)];
}

const tag = 'Companies';

const createRoute = ({ commands, idempotency }: RouteDeps) =>
  route({
    method: 'POST',
    path: '/companies',
    scope: 'companies:write',
    id: 'createCompany',
    tag,
    summary: 'Create a company',
    description: 'A system that masters its companies may bring the `id`; the same id again is a CONFLICT, also after deletion.',
    body: newCompanySchema,
    bodyExample: newCompanyExample,
    alsoWrong: besides(newCompanySchema, (ctx, { patch }) => newCompanyIssues(commands, principalOf(ctx).organizationId, patch)),
    accepts: ['Idempotency-Key'],
    responses: { 201: createdResponse('The new company', companySchema, { ...companyExample, primaryContactId: null }) },
    errors: ['CONFLICT'],
    handle: (ctx, { body: { id: givenId, patch }, raw }) =>
      answerOnce(ctx, idempotency, raw, async (context) => {
        const { state, revision } = stateOf(await createCompany(commands, context, { givenId, patch }));
        return created('/companies', companyOf(state), revision);
      }),
  });

const listRoute = ({ readStore }: RouteDeps) =>
  route({
    method: 'GET',
    path: '/companies',
    scope: 'companies:read',
    id: 'listCompanies',
    tag,
    summary: 'List companies',
    description: 'As the list of contacts.',
    query: listParameters,
    responses: { 200: pageResponse('A page of companies', companySchema, companiesPageExample) },
    handle: (ctx, { query }) => answerList(ctx, query, (wanted) => readStore.listCompanies(principalOf(ctx).organizationId, wanted)),
  });

const getRoute = ({ readStore }: RouteDeps) =>
  route({
    method: 'GET',
    path: '/companies/{id}',
    scope: 'companies:read',
    id: 'getCompany',
    tag,
    summary: 'Get a company',
    params: { id: companyIdParameter },
    accepts: ['If-None-Match'],
    responses: { 200: resourceResponse('The company', companySchema, companyExample) },
    errors: ['COMPANY_NOT_FOUND'],
    handle: async (ctx) => {
      const company = await readStore.getCompany(principalOf(ctx).organizationId, companyId(ctx, 'id'));
      answerResource(ctx, company, companyNotFound);
    },
  });

/** PUT and PATCH are the same. */
function changeRoutes({ commands }: RouteDeps): Route[] {
  const change = (method: 'PUT' | 'PATCH', id: string) =>
    route({
      method,
      path: '/companies/{id}',
      scope: 'companies:write',
      id,
      tag,
      summary: method === 'PUT' ? 'Update a company' : 'Update a company (the same as PUT)',
      description: 'Only what is sent changes: a JSON merge patch. `entityTypes` are replaced when sent.',
      params: { id: companyIdParameter },
      body: companyPatchSchema,
      bodyExample: companyPatchExample,
      alsoWrong: besides(companyPatchSchema, (ctx, patch) => companyIssues(commands, principalOf(ctx).organizationId, companyId(ctx, 'id'), patch)),
      accepts: ['If-Match', 'If-None-Match'],
      responses: { 200: resourceResponse('The company as it is now', companySchema, changedCompanyExample) },
      errors: ['COMPANY_NOT_FOUND', 'CONFLICT'],
      handle: async (ctx, { body: patch }) => {
        const change = { id: companyId(ctx, 'id'), patch };
        const { state, revision } = stateOf(await updateCompany(commands, conditionalContext(ctx), change));
        answerChanged(ctx, companyOf(state), revision);
      },
    });
  return [change('PUT', 'updateCompany'), change('PATCH', 'patchCompany')];
}

const deleteRoute = ({ commands }: RouteDeps) =>
  route({
    method: 'DELETE',
    path: '/companies/{id}',
    scope: 'companies:write',
    id: 'deleteCompany',
    tag,
    summary: 'Delete a company',
    params: { id: companyIdParameter },
    accepts: ['If-Match', 'If-None-Match'],
    responses: { 204: { description: 'It is deleted' } },
    errors: ['COMPANY_NOT_FOUND', 'CONFLICT'],
    handle: async (ctx) => {
      stateOf(await deleteCompany(commands, conditionalContext(ctx), companyId(ctx, 'id')));
      ctx.status = 204;
    },
  });

function companyOf(state: CompanyState): Company {
  if (state.phase !== 'live') throw companyNotFound();
  return state.company;
}
