// The routes that list contacts in the spec's short shapes: hierarchy, company, department,
// contact method. Answers of one batch are sent whole, larger ones streamed.

import type { Contact } from '../../domain/contact.js';
import { foldText } from '../../domain/text.js';
import type { ContactGroup, GroupQuery, ReadStore } from '../../ports/readStore.js';
import { principalOf, type ApiContext } from '../context.js';
import type { RouteDeps } from '../deps.js';
import { companyNotFound } from '../errors.js';
import { pageBody } from '../paging.js';
import type { Route } from '../routing.js';
import { contactMethodParameter, groupParameters, noParameters } from '../schemas/queries.js';
import { jsonGroups, jsonList } from '../streaming.js';
import { validate } from '../validate.js';
import { companyContactView, contactMethodView, departmentView, hierarchyView } from '../views.js';
import { companyId } from './contacts.js';

const BATCH = 500;

type View = (contact: Contact) => unknown;

export function groupRoutes({ readStore }: RouteDeps): Route[] {
  const scope = 'contacts:read';
  return [
    { method: 'GET', path: '/contacts/hierarchy', scope, handle: (ctx) => getHierarchy(ctx, readStore) },
    {
      method: 'GET',
      path: '/contacts/company/{companyId}',
      scope,
      handle: async (ctx) => {
        const key = companyId(ctx, 'companyId');
        if (!(await readStore.isCompanyKnown(principalOf(ctx).organizationId, key))) throw companyNotFound();
        await answerGroup(ctx, readStore, { by: 'company', key }, companyContactView);
      },
    },
    {
      method: 'GET',
      path: '/contacts/department/{department}',
      scope,
      handle: (ctx) => answerGroup(ctx, readStore, { by: 'department', key: foldText(ctx.params.department ?? '') }, departmentView),
    },
    {
      method: 'GET',
      path: '/contacts/contact-method/{method}',
      scope,
      handle: async (ctx) => {
        const { method: key } = validate(contactMethodParameter, ctx.params, 'method');
        await answerGroup(ctx, readStore, { by: 'contactMethod', key }, contactMethodView);
      },
    },
  ];
}

async function getHierarchy(ctx: ApiContext, readStore: ReadStore): Promise<void> {
  validate(noParameters, ctx.query, 'query');
  const lines = readStore.reportingLines(principalOf(ctx).organizationId);
  ctx.type = 'application/json';
  ctx.body = jsonGroups(await begun(lines), (contact) => contact.metadata.reportsTo ?? '', hierarchyView);
}

async function answerGroup(ctx: ApiContext, readStore: ReadStore, group: ContactGroup, view: View): Promise<void> {
  const { isPaged, statuses, limit, from, page, byCursor } = validate(groupParameters, ctx.query, 'query');
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
  ctx.body = pageBody(ctx, data, { total, page, limit, next, orderBy: 'name', direction: 'asc', byCursor });
}

async function* stretches(readStore: ReadStore, organizationId: string, query: GroupQuery, view: View): AsyncGenerator<unknown[]> {
  for (let from: GroupQuery['from'] | null = query.from; from !== null; ) {
    const { items, next }: Awaited<ReturnType<ReadStore['listGroup']>> = await readStore.listGroup(organizationId, { ...query, from });
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
