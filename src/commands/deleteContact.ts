// Deletes a contact.

import { decideContact, type ContactState } from '../domain/contact.js';
import { contactStream } from '../domain/streams.js';
import { contactAggregate } from './aggregates.js';
import type { CommandDeps } from './deps.js';
import type { CommandContext, Outcome } from './handle.js';

/** Deletes contact `id`; its first 1,000 reports have lost it as manager when this returns, the rest follow. */
export async function deleteContact(
  { handler, reactions }: CommandDeps,
  context: CommandContext,
  id: string,
): Promise<Outcome<ContactState>> {
  const stream = contactStream(context.organizationId, id);
  const outcome = await handler.execute(contactAggregate, stream, context, ({ state }) =>
    decideContact(state, { type: 'delete' }),
  );
  if (outcome.done) await reactions.followAtOnce(outcome.events);
  return outcome;
}
