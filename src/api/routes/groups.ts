// The routes that list contacts in the spec's short shapes: hierarchy, company, department,
// contact method. Answers of one batch are sent whole, larger ones streamed.

import type { Contact } from '../../domain/contact.js';
import { foldText } from '../../domain/text.js';
import type { ContactReads } from '../../ports/historyStore.js';
import type { ContactGroup, GroupQuery } from '../../ports/readStore.js';
import { readsAsOf } from '../asOf.js';
import { principalOf, type ApiContext } from '../context.js';
import type { RouteDeps } from '../deps.js';
import { companyNotFound } from '../errors.js';
import { pageBody } from '../paging.js';
import { companyContactsExample, departmentContactsExample, hierarchyExample, methodContactsExample } from '../openapi/examples.js';
import { listResponse } from '../openapi/responses.js';
import { route, type Route } from '../routing.js';
import { companyIdParameter, contactMethodParameter, contactMethodSchema, departmentParameter } from '../schemas/paths.js';
import { asOfParameters, GROUP_ORDER, groupParameters, type GroupParameters } from '../schemas/queries.js';
import { companyContactSchema, departmentContactSchema, hierarchySchema, methodContactSchema } from '../schemas/views.js';
import { jsonGroups, jsonList } from '../streaming.js';
import { validate } from '../validate.js';
import { companyContactView, contactMethodView, departmentView, hierarchyView } from '../views.js';
import { companyId } from './contacts.js';

/** How many contacts are read at a time: few, as each may be as large as there are. */
const BATCH = 100;

type View = (contact: Contact) => unknown;

export function groupRoutes(deps: RouteDeps): Route[] {
  return [hierarchyRoute(deps), companyRoute(deps), departmentRoute(deps), contactMethodRoute(deps)];
}

const reading = { method: 'GET', scope: 'contacts:read', tag: 'Contacts' } as const;
const listing = {
  ...reading,
  description: 'By name, and whole; large ones are streamed. With `limit` (and `page` or `cursor`) it pages like the list.',
  query: groupParameters,
} as const;

const hierarchyRoute = (deps: RouteDeps) =>
  route({
    ...reading,
    path: '/contacts/hierarchy',
    id: 'getHierarchy',
    summary: 'Get the contact hierarchy',
    description: "Which contacts report to whom, by the manager's id.",
    responses: { 200: { description: 'Who reports to whom', schema: hierarchySchema, example: hierarchyExample } },
    query: asOfParameters,
    handle: async (ctx, { query }) => {
      const lines = readsAsOf(deps, query.asOf).reportingLines(principalOf(ctx).organizationId);
      ctx.type = 'application/json';
      ctx.body = jsonGroups(await begun(lines), (contact) => contact.metadata.reportsTo ?? '', hierarchyView);
    },
  });

const companyRoute = (deps: RouteDeps) =>
  route({
    ...listing,
    path: '/contacts/company/{companyId}',
    id: 'listContactsOfCompany',
    summary: 'Find contacts by company',
    params: { companyId: companyIdParameter },
    responses: { 200: listResponse("The company's contacts", companyContactSchema, companyContactsExample) },
    errors: ['COMPANY_NOT_FOUND'],
    handle: async (ctx, { query }) => {
      const key = companyId(ctx, 'companyId');
      const reads = readsAsOf(deps, query.asOf);
      if (!(await reads.isCompanyKnown(principalOf(ctx).organizationId, key))) throw companyNotFound();
      await answerGroup(ctx, reads, query, { by: 'company', key }, companyContactView);
    },
  });

const departmentRoute = (deps: RouteDeps) =>
  route({
    ...listing,
    path: '/contacts/department/{department}',
    id: 'listContactsOfDepartment',
    summary: 'Find contacts by department',
    params: { department: departmentParameter },
    responses: { 200: listResponse("The department's contacts", departmentContactSchema, departmentContactsExample) },
    handle: async (ctx, { query }) => {
      const key = foldText(ctx.params.department ?? '');
      await answerGroup(ctx, readsAsOf(deps, query.asOf), query, { by: 'department', key }, departmentView);
    },
  });

const contactMethodRoute = (deps: RouteDeps) =>
  route({
    ...listing,
    path: '/contacts/contact-method/{method}',
    id: 'listContactsByMethod',
    summary: 'Find contacts by preferred contact method',
    params: { method: contactMethodParameter },
    responses: { 200: listResponse('The contacts who prefer it', methodContactSchema, methodContactsExample) },
    handle: async (ctx, { query }) => {
      const { method: key } = validate(contactMethodSchema, ctx.params, 'method');
      await answerGroup(ctx, readsAsOf(deps, query.asOf), query, { by: 'contactMethod', key }, contactMethodView);
    },
  });

async function answerGroup(ctx: ApiContext, readStore: ContactReads, asked: GroupParameters, group: ContactGroup, view: View): Promise<void> {
  const { isPaged, statuses, limit, from, page, byCursor } = asked;
  const { organizationId } = principalOf(ctx);
  if (!isPaged) {
    const batches = stretches(readStore, organizationId, { group, statuses, limit: BATCH, from: { offset: 0 } }, view);
    ctx.type = 'application/json';
    ctx.body = jsonList(await begun(batches), '{"data":', '}');
    return;
  }
  const { items, next } = await readStore.listGroup(organizationId, { group, statuses, limit, from });
  const total = await readStore.countGroup(organizationId, group, statuses);
  const data = items.map(({ document }) => view(document));
  ctx.body = pageBody(ctx, data, { total, page, limit, next, ...GROUP_ORDER, byCursor });
}

async function* stretches(readStore: ContactReads, organizationId: string, query: GroupQuery, view: View): AsyncGenerator<unknown[]> {
  for (let from: GroupQuery['from'] | null = query.from; from !== null; ) {
    const { items, next }: Awaited<ReturnType<ContactReads['listGroup']>> = await readStore.listGroup(organizationId, { ...query, from });
    yield items.map(({ document }) => view(document));
    from = next === null ? null : { after: next };
  }
}

/** The same batches, the first of them read already: what fails at once fails before anything is sent. */
async function begun<Item>(batches: AsyncIterable<Item>): Promise<AsyncIterable<Item>> {
  const iterator = batches[Symbol.asyncIterator]();
  const first = await iterator.next();
  return (async function* () {
    try {
      for (let result = first; result.done !== true; result = await iterator.next()) yield result.value;
    } finally {
      await iterator.return?.();
    }
  })();
}
