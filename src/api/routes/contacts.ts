// The routes of single contacts and of their list.

import { createContact } from '../../commands/createContact.js';
import { deleteContact } from '../../commands/deleteContact.js';
import { updateContact } from '../../commands/updateContact.js';
import { setPrimary } from '../../commands/setPrimary.js';
import type { ContactState } from '../../domain/contact.js';
import { readJsonBody } from '../body.js';
import { principalOf, type ApiContext } from '../context.js';
import type { RouteDeps } from '../deps.js';
import { companyNotFound, contactNotFound, refused } from '../errors.js';
import { etagOf, ifMatchRevisions } from '../etag.js';
import { answerOnce } from '../idempotency.js';
import type { Route } from '../routing.js';
import { contactPatchSchema, newContactSchema, parseId } from '../schemas/entity.js';
import { noParameters } from '../schemas/queries.js';
import { validate } from '../validate.js';
import { primaryView } from '../views.js';
import { answerChanged, answerList, answerResource, conditionalContext, created, requireBody, stateOf } from './resources.js';

export function contactRoutes(deps: RouteDeps): Route[] {
  const { commands, readStore } = deps;
  const update = (ctx: ApiContext) => putContact(ctx, deps);
  return [
    { method: 'POST', path: '/contacts', scope: 'contacts:write', handle: (ctx) => postContact(ctx, deps) },
    {
      method: 'GET',
      path: '/contacts',
      scope: 'contacts:read',
      handle: (ctx) => answerList(ctx, (query) => readStore.listContacts(principalOf(ctx).organizationId, query)),
    },
    {
      method: 'GET',
      path: '/contacts/{id}',
      scope: 'contacts:read',
      handle: async (ctx) => {
        validate(noParameters, ctx.query, 'query');
        const contact = await readStore.getContact(principalOf(ctx).organizationId, contactId(ctx));
        answerResource(ctx, contact, contactNotFound);
      },
    },
    { method: 'PUT', path: '/contacts/{id}', scope: 'contacts:write', handle: update },
    { method: 'PATCH', path: '/contacts/{id}', scope: 'contacts:write', handle: update },
    {
      method: 'DELETE',
      path: '/contacts/{id}',
      scope: 'contacts:write',
      handle: async (ctx) => {
        validate(noParameters, ctx.query, 'query');
        stateOf(await deleteContact(commands, conditionalContext(ctx), contactId(ctx)));
        ctx.status = 204;
      },
    },
    {
      method: 'POST',
      path: '/contacts/{id}/set-primary/{companyId}',
      scope: 'contacts:write',
      handle: (ctx) => postSetPrimary(ctx, deps),
    },
  ];
}

async function postContact(ctx: ApiContext, { commands, idempotency }: RouteDeps): Promise<void> {
  const { raw, value } = await requireBody(ctx);
  const patch = validate(newContactSchema, value, 'body');
  await answerOnce(ctx, idempotency, raw, async (context) => {
    const { state, revision } = stateOf(await createContact(commands, context, patch));
    return created('/contacts', contactOf(state), revision);
  });
}

async function putContact(ctx: ApiContext, { commands }: RouteDeps): Promise<void> {
  const id = contactId(ctx);
  const { value } = await requireBody(ctx);
  const patch = validate(contactPatchSchema, value, 'body');
  const { state, revision } = stateOf(await updateContact(commands, conditionalContext(ctx), { id, patch }));
  answerChanged(ctx, contactOf(state), revision);
}

async function postSetPrimary(ctx: ApiContext, { commands, idempotency }: RouteDeps): Promise<void> {
  validate(noParameters, ctx.query, 'query');
  const { raw, value } = await readJsonBody(ctx);
  if (value !== undefined) validate(noParameters, value, 'body');
  const id = contactId(ctx);
  await answerOnce(ctx, idempotency, raw, async (context) => {
    // An id that is none is nobody's; the contact is looked for first.
    const companyId = parseId(ctx.params.companyId ?? '') ?? 'none';
    const conditional = { ...context, ifRevisions: ifMatchRevisions(ctx) };
    const outcome = await setPrimary(commands, conditional, { contactId: id, companyId });
    if (!outcome.done) throw refused(outcome.refusal);
    const { contact, company, companyRevision } = outcome;
    return { status: 200, headers: { ETag: etagOf(companyRevision) }, body: primaryView(contact, company) };
  });
}

/** The contact's id in the path. @throws ApiError CONTACT_NOT_FOUND when it is no id */
function contactId(ctx: ApiContext): string {
  const id = parseId(ctx.params.id ?? '');
  if (id === undefined) throw contactNotFound();
  return id;
}

function contactOf(state: ContactState) {
  if (state.phase !== 'live') throw contactNotFound();
  return state.contact;
}

/** The company's id in the path. @throws ApiError COMPANY_NOT_FOUND when it is no id */
export function companyId(ctx: ApiContext, name: string): string {
  const id = parseId(ctx.params[name] ?? '');
  if (id === undefined) throw companyNotFound();
  return id;
}
