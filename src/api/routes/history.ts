// The histories of contacts and companies: every change, oldest first, also after deletion.

import type { HistoryPage } from '../../ports/historyStore.js';
import { answerMade, principalOf, type ApiContext } from '../context.js';
import type { RouteDeps } from '../deps.js';
import { companyNotFound, contactNotFound, type ApiError } from '../errors.js';
import { companyHistoryExample, historyExample } from '../openapi/historyExamples.js';
import { route, type Route } from '../routing.js';
import { historyCursor, historyParameters, historySchema } from '../schemas/history.js';
import { companyIdParameter, contactIdParameter } from '../schemas/paths.js';
import { companyId, contactId } from './contacts.js';

export function historyRoutes(deps: RouteDeps): Route[] {
  return [contactHistoryRoute(deps), companyHistoryRoute(deps)];
}

const contactHistoryRoute = ({ history }: RouteDeps) =>
  route({
    method: 'GET',
    path: '/contacts/{id}/history',
    scope: 'contacts:read',
    id: 'getContactHistory',
    tag: 'History',
    summary: "Get a contact's history",
    description: 'Every change, oldest first: who, when, by which request, and each field from what to what. It stays after deletion.',
    params: { id: contactIdParameter },
    query: historyParameters,
    responses: { 200: { description: 'A page of the history', schema: historySchema, example: historyExample } },
    errors: ['CONTACT_NOT_FOUND'],
    handle: async (ctx, { query: { after, limit } }) => {
      const { organizationId } = principalOf(ctx);
      answerHistory(ctx, await history.history(organizationId, 'contacts', contactId(ctx), after, limit), contactNotFound);
    },
  });

const companyHistoryRoute = ({ history }: RouteDeps) =>
  route({
    method: 'GET',
    path: '/companies/{id}/history',
    scope: 'companies:read',
    id: 'getCompanyHistory',
    tag: 'History',
    summary: "Get a company's history",
    description: 'As the history of a contact.',
    params: { id: companyIdParameter },
    query: historyParameters,
    responses: { 200: { description: 'A page of the history', schema: historySchema, example: companyHistoryExample } },
    errors: ['COMPANY_NOT_FOUND'],
    handle: async (ctx, { query: { after, limit } }) => {
      const { organizationId } = principalOf(ctx);
      answerHistory(ctx, await history.history(organizationId, 'companies', companyId(ctx, 'id'), after, limit), companyNotFound);
    },
  });

const BEFORE = Buffer.from('{"data":[');

/** Entries come as the bytes that they are sent as. @throws ApiError `notFound` when there never was one */
function answerHistory(ctx: ApiContext, page: HistoryPage | null, notFound: () => ApiError): void {
  if (page === null) throw notFound();
  const nextCursor = page.next === null ? null : historyCursor.encode(page.next);
  answerMade(ctx, Buffer.concat([BEFORE, page.content, Buffer.from(`],"nextCursor":${JSON.stringify(nextCursor)}}`)]));
}
