// What follows from an event elsewhere, carried out by a command and by the reactor at the same time, or by one alone.

import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { createCompany } from '../../src/commands/companies.js';
import { createContact } from '../../src/commands/createContact.js';
import { contactAggregate, loadCompany } from '../../src/commands/aggregates.js';
import { setPrimary } from '../../src/commands/setPrimary.js';
import { updateContact } from '../../src/commands/updateContact.js';
import { decideContact } from '../../src/domain/contact.js';
import { contactStream } from '../../src/domain/streams.js';
import type { RecordedEvent } from '../../src/ports/eventStore.js';
import { openCommands, type OpenedCommands } from '../support/commands.js';

let opened: OpenedCommands;
beforeEach(async () => {
  opened = await openCommands();
});
afterEach(() => opened.close());

async function newContact(reportsTo: string | null = null): Promise<string> {
  const outcome = await createContact(opened.commands, opened.context(), { name: 'Contact', metadata: { reportsTo } });
  if (!outcome.done || outcome.state.phase !== 'live') throw new Error('no contact was made');
  return outcome.state.contact.id;
}

/** Deletes a contact and carries out nothing that follows. */
async function deleteOnly(id: string): Promise<RecordedEvent> {
  const { commands, organizationId, context } = opened;
  const outcome = await commands.handler.execute(contactAggregate, contactStream(organizationId, id), context(), ({ state }) =>
    decideContact(state, { type: 'delete' }),
  );
  if (!outcome.done) throw new Error('nothing was deleted');
  return outcome.events[0] as RecordedEvent;
}

const reportsOf = (manager: string) => opened.platform.readStore.reportsOf(opened.organizationId, manager, 2_000);

test('the reactor releases every report of a deleted manager, also those the command leaves and while it releases the others', async () => {
  const { reactions } = opened.commands;
  const manager = await newContact();
  await Promise.all(Array.from({ length: 1_200 }, () => newContact(manager)));
  const deleted = await deleteOnly(manager);
  expect(await reportsOf(manager)).toHaveLength(1_200);
  await Promise.all([reactions.followAtOnce([deleted]), reactions.follow(deleted)]);
  expect(await reportsOf(manager)).toEqual([]);
});

test('the command waits for a thousand reports and leaves the rest to the reactor', async () => {
  const manager = await newContact();
  await Promise.all(Array.from({ length: 1_050 }, () => newContact(manager)));
  const deleted = await deleteOnly(manager);
  await opened.commands.reactions.followAtOnce([deleted]);
  expect(await reportsOf(manager)).toHaveLength(50);
});

test('what follows names its cause, keeps its actor and request, and follows once however often it is carried out', async () => {
  const manager = await newContact();
  const report = await newContact(manager);
  const deleted = await deleteOnly(manager);
  for (let round = 0; round < 3; round += 1) await opened.commands.reactions.follow(deleted);
  const events: RecordedEvent[] = [];
  for await (const batch of opened.events.read(contactStream(opened.organizationId, report), 1)) events.push(...batch);
  expect(events).toMatchObject([{ type: 'ContactUpdated', data: { changes: { metadata: { reportsTo: null } } } }]);
  const { actor, requestId, correlationId } = deleted.metadata;
  expect(events[0]?.metadata).toMatchObject({ actor, requestId, correlationId, causationId: deleted.id });
});

test('a contact that came back is primary still, though what follows from its leaving comes late', async () => {
  const { commands, context, organizationId } = opened;
  const made = await createCompany(commands, context(), { givenId: undefined, patch: { name: 'Acme' } });
  if (!made.done || made.state.phase !== 'live') throw new Error('no company was made');
  const [id, companyId] = [await newContact(), made.state.company.id];
  const makePrimary = () => setPrimary(commands, context(), { contactId: id, companyId });
  await updateContact(commands, context(), { id, patch: { parentEntityId: companyId } });
  await makePrimary();
  const left = await commands.handler.execute(contactAggregate, contactStream(organizationId, id), context(), ({ state }) =>
    decideContact(state, { type: 'update', patch: { parentEntityId: null }, addressId: 'none', facts: { manager: 'fits', parent: 'fits' } }),
  );
  const late = opened.another();
  const { handler } = late;
  const execute = jest.spyOn(handler, 'execute').mockImplementationOnce(async (...asked) => {
    await updateContact(commands, context(), { id, patch: { parentEntityId: companyId } });
    expect(await makePrimary()).toMatchObject({ done: true });
    return handler.execute(...asked);
  });
  await late.reactions.follow((left.done ? left.events[0] : undefined) as RecordedEvent);
  expect(execute).toHaveBeenCalledTimes(2);
  expect((await loadCompany(commands.handler, organizationId, companyId)).state).toMatchObject({ company: { primaryContactId: id } });
});
