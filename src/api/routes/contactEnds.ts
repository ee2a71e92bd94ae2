// What can follow the end of a contact: that it comes back, or that nothing of it can.

import { eraseContact } from '../../commands/eraseContact.js';
import { restoreContact } from '../../commands/restoreContact.js';
import type { ContactState } from '../../domain/contact.js';
import type { RouteDeps } from '../deps.js';
import { contactNotFound } from '../errors.js';
import { etagOf } from '../etag.js';
import { answerOnce } from '../idempotency.js';
import { contactExample, erasureExample } from '../openapi/examples.js';
import { resourceResponse } from '../openapi/responses.js';
import { route, type Route } from '../routing.js';
import { erasureRequestSchema, erasureSchema, OUT_OF_REACH, PURGED } from '../schemas/erasure.js';
import { contactIdParameter } from '../schemas/paths.js';
import { noParameters } from '../schemas/queries.js';
import { contactSchema } from '../schemas/views.js';
import { fullView } from '../views.js';
import { contactId, contactOf } from './contacts.js';
import { stateOf } from './resources.js';

export function contactEndRoutes(deps: RouteDeps): Route[] {
  return [restoreRoute(deps), eraseRoute(deps)];
}

const tag = 'Contacts';

const restoreRoute = ({ commands, idempotency }: RouteDeps) =>
  route({
    method: 'POST',
    path: '/contacts/{id}/restore',
    scope: 'contacts:write',
    id: 'restoreContact',
    tag,
    summary: 'Bring a deleted contact back',
    description:
      'As it was, but without a manager who is gone by now, or who reports to it. Those who reported to it, and a company whose primary contact it was, have lost it and do not get it back. One that is not deleted stays as it is; an erased one is not found.',
    params: { id: contactIdParameter },
    body: noParameters.optional(),
    accepts: ['Idempotency-Key'],
    responses: { 200: resourceResponse('The contact as it is now', contactSchema, contactExample) },
    errors: ['CONTACT_NOT_FOUND', 'CONFLICT'],
    handle: async (ctx, { raw }) => {
      const id = contactId(ctx);
      const restore = async (context: Parameters<typeof restoreContact>[1]) => {
        const { state, revision } = stateOf(await restoreContact(commands, context, id));
        return { status: 200, headers: { ETag: etagOf(revision) }, body: fullView(contactOf(state)) };
      };
      await answerOnce(ctx, idempotency, raw, restore, id);
    },
  });

const eraseRoute = ({ commands, idempotency }: RouteDeps) =>
  route({
    method: 'POST',
    path: '/contacts/{id}/erase',
    scope: 'contacts:erase',
    id: 'eraseContact',
    tag,
    summary: 'Erase a contact',
    description:
      'For good, whether it is deleted or not: as a deletion, and what was personal of it can no longer be read anywhere. Its history still tells what happened, when and by whom, each personal value as `[erased]`. Erased again it gives the same certificate. `reason` is kept for ever and in the clear: name a ticket, and nobody.',
    params: { id: contactIdParameter },
    body: erasureRequestSchema,
    bodyExample: { reason: 'Request DSR-2025-17' },
    accepts: ['Idempotency-Key'],
    responses: { 200: { description: 'The certificate', schema: erasureSchema, example: erasureExample } },
    errors: ['CONTACT_NOT_FOUND', 'CONFLICT'],
    handle: async (ctx, { body, raw }) => {
      const id = contactId(ctx);
      await answerOnce(ctx, idempotency, raw, async (context) => {
        const { state } = stateOf(await eraseContact(commands, context, { id, reason: body.reason }));
        return { status: 200, headers: {}, body: certificate(id, state) };
      });
    },
  });

function certificate(contactId: string, state: ContactState) {
  if (state.phase !== 'erased') throw contactNotFound();
  const { at, by, requestId } = state.erasure;
  return { contactId, erasedAt: at, actor: { sub: by }, requestId, purged: PURGED, outOfReach: OUT_OF_REACH };
}
