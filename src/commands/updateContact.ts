// Changes a contact by a merge patch.

import { decideContact, newManager, type ContactState } from '../domain/contact.js';
import type { EntityPatch } from '../domain/entity.js';
import { contactStream } from '../domain/streams.js';
import { contactAggregate } from './aggregates.js';
import { contactFacts } from './contactFacts.js';
import type { CommandDeps } from './deps.js';
import { meetsCondition, type CommandContext, type Outcome } from './handle.js';
import { newAddressId } from './newIds.js';

/** Changes contact `id`; a company that has it as primary contact is seen to when it was moved or archived. */
export async function updateContact(
  deps: CommandDeps,
  context: CommandContext,
  { id, patch }: { id: string; patch: EntityPatch },
): Promise<Outcome<ContactState>> {
  const { handler, lines, reactions } = deps;
  const { organizationId } = context;
  const addressId = newAddressId(handler.ids);
  const stream = contactStream(organizationId, id);
  const outcome = await handler.execute(contactAggregate, stream, context, async ({ state, revision, end }) => {
    const facts = await contactFacts(deps, organizationId, { id, state, patch, revision: end + 1 });
    const command = { type: 'update', patch, addressId } as const;
    const decision = decideContact(state, { ...command, facts });
    const managerId = newManager(state, patch);
    // A line is claimed last, when nothing else speaks against the change: a claim must come true soon.
    if (!decision.accepted || managerId === null || !meetsCondition(context, { revision, end })) return decision;
    const manager = await lines.claim(context, { contactId: id, managerId, revision: end + 1 });
    return decideContact(state, { ...command, facts: { ...facts, manager } });
  });
  if (outcome.done) await reactions.followAtOnce(outcome.events);
  return outcome;
}
