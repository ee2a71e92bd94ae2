// Makes a contact the primary contact of its company.

import { decideCompany, type Company } from '../domain/company.js';
import type { Contact } from '../domain/contact.js';
import { reject } from '../domain/decision.js';
import { companyStream } from '../domain/streams.js';
import { companyAggregate, loadContact } from './aggregates.js';
import type { CommandDeps } from './deps.js';
import type { CommandContext, Refusal } from './handle.js';

export type SetPrimaryOutcome =
  | { done: true; contact: Contact; company: Company; companyRevision: number }
  | { done: false; refusal: Refusal };

/**
 * Makes contact `contactId` primary. Refused in this order: the contact is unknown, the company
 * is, the contact is of another company, it is archived.
 */
export async function setPrimary(
  { handler }: CommandDeps,
  context: CommandContext,
  { contactId, companyId }: { contactId: string; companyId: string },
): Promise<SetPrimaryOutcome> {
  const { organizationId } = context;
  let contact: Contact | null = null;
  const outcome = await handler.execute(companyAggregate, companyStream(organizationId, companyId), context, async ({ state }) => {
    const loaded = await loadContact(handler, organizationId, contactId);
    if (loaded.state.phase !== 'live') return reject({ code: 'CONTACT_NOT_FOUND' });
    contact = loaded.state.contact;
    const { id, parentEntityId, status } = contact;
    return decideCompany(state, { type: 'setPrimary', contact: { id, parentEntityId, archived: status === 'archived' } });
  });
  if (!outcome.done) return outcome;
  contact ??= await liveContact(handler, organizationId, contactId);
  if (contact === null) return { done: false, refusal: { code: 'CONTACT_NOT_FOUND' } };
  if (outcome.state.phase !== 'live') return { done: false, refusal: { code: 'COMPANY_NOT_FOUND' } };
  return { done: true, contact, company: outcome.state.company, companyRevision: outcome.revision };
}

/** For a request whose earlier try was found done, so that nothing was decided afresh. */
async function liveContact(handler: CommandDeps['handler'], organizationId: string, id: string): Promise<Contact | null> {
  const { state } = await loadContact(handler, organizationId, id);
  return state.phase === 'live' ? state.contact : null;
}
