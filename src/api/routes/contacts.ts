// The routes of single contacts and of their list.

import { contactIssues, newContactIssues } from '../../commands/storedIssues.js';
import { createContact } from '../../commands/createContact.js';
import { deleteContact } from '../../commands/deleteContact.js';
import { updateContact } from '../../commands/updateContact.js';
import { setPrimary } from '../../commands/setPrimary.js';
import type { ContactState } from '../../domain/contact.js';
import { readsAsOf } from '../asOf.js';
import { principalOf, type ApiContext } from '../context.js';
import type { RouteDeps } from '../deps.js';
import { companyNotFound, contactNotFound, refused } from '../errors.js';
import { etagOf, preconditions } from '../etag.js';
import { answerOnce } from '../idempotency.js';
import {
  changedContactExample,
  contactExample,
  contactPatchExample,
  contactsPageExample,
  newContactExample,
  primaryExample,
} from '../openapi/examples.js';
import { createdResponse, pageResponse, resourceResponse } from '../openapi/responses.js';
import { route, type Route } from '../routing.js';
import { contactPatchSchema, newContactSchema, parseId } from '../schemas/entity.js';
import { companyIdParameter, contactIdParameter } from '../schemas/paths.js';
import { asOfParameters, contactListParameters, noParameters } from '../schemas/queries.js';
import { contactSchema, primarySchema } from '../schemas/views.js';
import { primaryView } from '../views.js';
import { answerChanged, answerList, answerResource, besides, conditionalContext, created, stateOf } from './resources.js';

export function contactRoutes(deps: RouteDeps): Route[] {
  return [createRoute(deps), listRoute(deps), getRoute(deps), ...changeRoutes(deps), deleteRoute(deps), setPrimaryRoute(deps)];
}

const tag = 'Contacts';

const createRoute = ({ commands, idempotency }: RouteDeps) =>
  route({
    method: 'POST',
    path: '/contacts',
    scope: 'contacts:write',
    id: 'createContact',
    tag,
    summary: 'Create a contact',
    description: 'The id is made by the server. Fields that the server sets are ignored when sent, so that the body of a GET can be posted.',
    body: newContactSchema,
    bodyExample: newContactExample,
    alsoWrong: besides(newContactSchema, (ctx, patch) => newContactIssues(commands, principalOf(ctx).organizationId, patch)),
    accepts: ['Idempotency-Key'],
    responses: { 201: createdResponse('The new contact', contactSchema, contactExample) },
    // The answer to a request sent again, whose contact was erased since.
    errors: ['CONTACT_NOT_FOUND'],
    handle: (ctx, { body, raw }) =>
      answerOnce(ctx, idempotency, raw, async (context) => {
        const { state, revision } = stateOf(await createContact(commands, context, body));
        return created('/contacts', contactOf(state), revision);
      }),
  });

const listRoute = (deps: RouteDeps) =>
  route({
    method: 'GET',
    path: '/contacts',
    scope: 'contacts:read',
    id: 'listContacts',
    tag,
    summary: 'List contacts',
    description: 'Pages by number, or by cursor, which stays right while data changes and costs the same at any depth.',
    query: contactListParameters,
    responses: { 200: pageResponse('A page of contacts', contactSchema, contactsPageExample) },
    handle: (ctx, { query }) => answerList(ctx, query, (wanted) => readsAsOf(deps, query.asOf).listContacts(principalOf(ctx).organizationId, wanted)),
  });

const getRoute = (deps: RouteDeps) =>
  route({
    method: 'GET',
    path: '/contacts/{id}',
    scope: 'contacts:read',
    id: 'getContact',
    tag,
    summary: 'Get a contact',
    description: 'With `asOf`, 404 when it did not exist at that time.',
    params: { id: contactIdParameter },
    query: asOfParameters,
    accepts: ['If-None-Match'],
    responses: { 200: resourceResponse('The contact', contactSchema, contactExample) },
    errors: ['CONTACT_NOT_FOUND'],
    handle: async (ctx, { query }) => {
      const contact = await readsAsOf(deps, query.asOf).getContact(principalOf(ctx).organizationId, contactId(ctx));
      answerResource(ctx, contact, contactNotFound);
    },
  });

/** PUT and PATCH are the same. */
function changeRoutes({ commands }: RouteDeps): Route[] {
  const change = (method: 'PUT' | 'PATCH', id: string) =>
    route({
      method,
      path: '/contacts/{id}',
      scope: 'contacts:write',
      id,
      tag,
      summary: method === 'PUT' ? 'Update a contact' : 'Update a contact (the same as PUT)',
      description: 'Only what is sent changes: a JSON merge patch. One that changes nothing stores nothing, and keeps `updatedAt`.',
      params: { id: contactIdParameter },
      body: contactPatchSchema,
      bodyExample: contactPatchExample,
      alsoWrong: besides(contactPatchSchema, (ctx, patch) => contactIssues(commands, principalOf(ctx).organizationId, contactId(ctx), patch)),
      accepts: ['If-Match', 'If-None-Match'],
      responses: { 200: resourceResponse('The contact as it is now', contactSchema, changedContactExample) },
      errors: ['CONTACT_NOT_FOUND', 'CONFLICT'],
      handle: async (ctx, { body }) => {
        const change = { id: contactId(ctx), patch: body };
        const { state, revision } = stateOf(await updateContact(commands, conditionalContext(ctx), change));
        answerChanged(ctx, contactOf(state), revision);
      },
    });
  return [change('PUT', 'updateContact'), change('PATCH', 'patchContact')];
}

const deleteRoute = ({ commands }: RouteDeps) =>
  route({
    method: 'DELETE',
    path: '/contacts/{id}',
    scope: 'contacts:write',
    id: 'deleteContact',
    tag,
    summary: 'Delete a contact',
    description: 'Its reports no longer report to anyone, and no company has it as primary contact. Its history stays readable.',
    params: { id: contactIdParameter },
    accepts: ['If-Match', 'If-None-Match'],
    responses: { 204: { description: 'It is deleted' } },
    errors: ['CONTACT_NOT_FOUND', 'CONFLICT'],
    handle: async (ctx) => {
      stateOf(await deleteContact(commands, conditionalContext(ctx), contactId(ctx)));
      ctx.status = 204;
    },
  });

const setPrimaryRoute = (deps: RouteDeps) =>
  route({
    method: 'POST',
    path: '/contacts/{id}/set-primary/{companyId}',
    scope: 'contacts:write',
    id: 'setPrimaryContact',
    tag,
    summary: 'Make a contact the primary one of its company',
    description: 'Takes no body. `If-Match` and `ETag` are those of the company.',
    params: { id: contactIdParameter, companyId: companyIdParameter },
    body: noParameters.optional(),
    accepts: ['Idempotency-Key', 'If-Match', 'If-None-Match'],
    responses: { 200: resourceResponse('The contact and its company', primarySchema, primaryExample) },
    errors: ['CONTACT_NOT_FOUND', 'COMPANY_NOT_FOUND', 'INVALID_ENTITY_TYPE', 'CONFLICT'],
    handle: (ctx, { raw }) => postSetPrimary(ctx, deps, raw),
  });

async function postSetPrimary(ctx: ApiContext, { commands, idempotency }: RouteDeps, raw: Buffer): Promise<void> {
  const id = contactId(ctx);
  await answerOnce(ctx, idempotency, raw, async (context) => {
    // An id that is none is nobody's; the contact is looked for first.
    const companyId = parseId(ctx.params.companyId ?? '') ?? 'none';
    const conditional = { ...context, ...preconditions(ctx) };
    const outcome = await setPrimary(commands, conditional, { contactId: id, companyId });
    if (!outcome.done) throw refused(outcome.refusal);
    const { contact, company, companyRevision } = outcome;
    return { status: 200, headers: { ETag: etagOf(companyRevision) }, body: primaryView(contact, company) };
  }, id);
}

/** The contact's id in the path. @throws ApiError CONTACT_NOT_FOUND when it is no id */
export function contactId(ctx: ApiContext): string {
  const id = parseId(ctx.params.id ?? '');
  if (id === undefined) throw contactNotFound();
  return id;
}

/** The living contact. @throws ApiError CONTACT_NOT_FOUND when there is none */
export function contactOf(state: ContactState) {
  if (state.phase !== 'live') throw contactNotFound();
  return state.contact;
}

/** The company's id in the path. @throws ApiError COMPANY_NOT_FOUND when it is no id */
export function companyId(ctx: ApiContext, name: string): string {
  const id = parseId(ctx.params[name] ?? '');
  if (id === undefined) throw companyNotFound();
  return id;
}
