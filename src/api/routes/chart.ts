// GET /contacts/hierarchy/diff: what changed in the chart between two times.

import type { Contact } from '../../domain/contact.js';
import type { PastReads } from '../../ports/historyStore.js';
import { pastAt } from '../asOf.js';
import { principalOf } from '../context.js';
import type { RouteDeps } from '../deps.js';
import { validationError } from '../errors.js';
import { chartDiffExample } from '../openapi/historyExamples.js';
import { route, type Route } from '../routing.js';
import { chartDiffParameters, chartDiffSchema } from '../schemas/history.js';
import { jsonObject } from '../streaming.js';
import { hierarchyView } from '../views.js';

/** How many contacts are told of at a time: few, as each may be as large as there are, and have managers as large. */
const BATCH = 50;

export function chartRoutes(deps: RouteDeps): Route[] {
  return [diffRoute(deps)];
}

const diffRoute = (deps: RouteDeps) =>
  route({
    method: 'GET',
    path: '/contacts/hierarchy/diff',
    scope: 'contacts:read',
    id: 'getHierarchyDiff',
    tag: 'History',
    summary: 'What changed in the hierarchy between two times',
    description: 'Who joined (was there at `to`, and not at `from`), who left, and who moved from one manager to another; each with both managers, by name.',
    query: chartDiffParameters,
    responses: { 200: { description: 'Who joined, left and moved', schema: chartDiffSchema, example: chartDiffExample } },
    handle: async (ctx, { query }) => {
      const { organizationId } = principalOf(ctx);
      const to = query.to ?? deps.idempotency.clock.now().toISOString();
      if (query.from > to) throw validationError([{ field: 'from', message: 'Must not be after to' }]);
      const [before, after] = [pastAt(deps, 'from', query.from), pastAt(deps, 'to', to)];
      const diff = await diffOf(organizationId, before, after);
      ctx.type = 'application/json';
      ctx.body = jsonObject(
        { from: query.from, to },
        {
          joined: members(organizationId, diff.joined, before, after),
          left: members(organizationId, diff.left, before, after),
          moved: members(organizationId, diff.moved, before, after),
        },
      );
    },
  });

/** A contact and whom it reported to at either time; null: to nobody, or it was not there. */
interface Member {
  id: string;
  from: string | null;
  to: string | null;
}

/** In order of name, of those who left as it was. */
async function diffOf(organizationId: string, before: PastReads, after: PastReads): Promise<Record<'joined' | 'left' | 'moved', Member[]>> {
  const [was, is] = [await chartOf(organizationId, before), await chartOf(organizationId, after)];
  const joined: Member[] = [];
  const moved: Member[] = [];
  for (const [id, to] of is) {
    const from = was.get(id);
    if (from === undefined) joined.push({ id, from: null, to });
    else if (from !== to) moved.push({ id, from, to });
  }
  const left = [...was].filter(([id]) => !is.has(id)).map(([id, from]): Member => ({ id, from, to: null }));
  return { joined, left, moved };
}

async function chartOf(organizationId: string, past: PastReads): Promise<Map<string, string | null>> {
  const chart = new Map<string, string | null>();
  for await (const lines of past.chart(organizationId)) for (const { id, managerId } of lines) chart.set(id, managerId);
  return chart;
}

async function* members(organizationId: string, all: readonly Member[], before: PastReads, after: PastReads): AsyncGenerator<unknown[]> {
  for (let first = 0; first < all.length; first += BATCH) {
    const some = all.slice(first, first + BATCH);
    const known = (past: PastReads, of: (member: Member) => string | null) => contactsById(organizationId, past, some.map(of));
    const now = await known(after, ({ id }) => id);
    const then = await known(before, ({ id }) => (now.has(id) ? null : id));
    const [managers, formerManagers] = [await known(after, ({ to }) => to), await known(before, ({ from }) => from)];
    yield some.flatMap(({ id, from, to }) => {
      const contact = now.get(id) ?? then.get(id);
      return contact === undefined ? [] : [{ ...hierarchyView(contact), from: managerView(formerManagers, from), to: managerView(managers, to) }];
    });
  }
}

async function contactsById(organizationId: string, past: PastReads, ids: readonly (string | null)[]): Promise<Map<string, Contact>> {
  const wanted = [...new Set(ids)].filter((id) => id !== null);
  const found = await past.contacts(organizationId, wanted);
  return new Map(found.flatMap((contact) => (contact === null ? [] : [[contact.id, contact]])));
}

function managerView(known: ReadonlyMap<string, Contact>, id: string | null) {
  const manager = id === null ? undefined : known.get(id);
  return manager === undefined ? null : { id: manager.id, name: manager.name, displayName: manager.displayName };
}
