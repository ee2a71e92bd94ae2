// What follows from an event elsewhere, carried out by a command and by the reactor at the same time, or by one alone.

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createContact } from '../../src/commands/createContact.js';
import { contactAggregate } from '../../src/commands/aggregates.js';
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
