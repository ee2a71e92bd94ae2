// Creates a contact.

import { decideContact, type ContactState } from '../domain/contact.js';
import type { EntityPatch } from '../domain/entity.js';
import { contactStream } from '../domain/streams.js';
import { contactAggregate } from './aggregates.js';
import { contactFacts } from './contactFacts.js';
import type { CommandDeps } from './deps.js';
import type { CommandContext, Outcome } from './handle.js';
import { newAddressId } from './newIds.js';

/** Creates a contact of `patch`, under the id its idempotency key reserved or a new one. */
export function createContact(
  deps: CommandDeps,
  context: CommandContext,
  patch: EntityPatch & { name: string },
): Promise<Outcome<ContactState>> {
  const { handler } = deps;
  const { organizationId } = context;
  const id = context.reserved?.aggregateId ?? handler.ids.next();
  return handler.create(contactAggregate, contactStream(organizationId, id), context, async ({ state, end }) => {
    const facts = await contactFacts(deps, organizationId, { id, state, patch, revision: end + 1 });
    return decideContact(state, { type: 'create', id, patch, addressId: newAddressId(handler.ids), facts });
  });
}
