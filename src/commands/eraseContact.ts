// Erases a contact: what happened stays known, what was personal does not.

import { decideContact, type ContactState } from '../domain/contact.js';
import { contactStream } from '../domain/streams.js';
import { contactAggregate } from './aggregates.js';
import type { CommandDeps } from './deps.js';
import type { CommandContext, Outcome } from './handle.js';

/**
 * Erases contact `id`, living or deleted, for a reason that stays readable. The event comes first:
 * from then on nothing shows the contact, and a reaction destroys the key, should this process die
 * before it does. When this returns it is destroyed. Done again it changes nothing.
 */
export async function eraseContact(
  { handler, reactions, erasure }: CommandDeps,
  context: CommandContext,
  { id, reason }: { id: string; reason: string },
): Promise<Outcome<ContactState>> {
  const { organizationId } = context;
  const outcome = await handler.execute(contactAggregate, contactStream(organizationId, id), context, ({ state }) =>
    decideContact(state, { type: 'erase', reason }),
  );
  if (!outcome.done) return outcome;
  await erasure.purge(organizationId, id);
  await reactions.followAtOnce(outcome.events);
  return outcome;
}
