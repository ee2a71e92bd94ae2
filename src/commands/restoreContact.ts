// Brings a deleted contact back.

import { decideContact, type ContactState } from '../domain/contact.js';
import { contactStream } from '../domain/streams.js';
import { contactAggregate } from './aggregates.js';
import type { CommandDeps } from './deps.js';
import type { CommandContext, Newest, Outcome } from './handle.js';

/** Restores contact `id` as it was; without its manager when that is gone, or reports to it by now. A living one stays as it is. */
export async function restoreContact(
  deps: CommandDeps,
  context: CommandContext,
  id: string,
): Promise<Outcome<ContactState>> {
  const { handler, reactions } = deps;
  const stream = contactStream(context.organizationId, id);
  const outcome = await handler.execute(contactAggregate, stream, context, async (loaded) =>
    decideContact(loaded.state, { type: 'restore', manager: await fittingManager(deps, context, loaded) }),
  );
  if (outcome.done) await reactions.followAtOnce(outcome.events);
  return outcome;
}

/** The manager it had, its line claimed; null when it had none or that no longer fits. */
async function fittingManager({ lines }: CommandDeps, context: CommandContext, { state, end }: Newest<ContactState>): Promise<string | null> {
  if (state.phase !== 'deleted') return null;
  const { id, metadata } = state.contact;
  if (metadata.reportsTo === null) return null;
  const claim = { contactId: id, managerId: metadata.reportsTo, revision: end + 1 };
  if ((await lines.check(context.organizationId, claim)) !== 'fits') return null;
  return (await lines.claim(context, claim)) === 'fits' ? claim.managerId : null;
}
