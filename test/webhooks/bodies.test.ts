// Bodies and contacts at hand: found again, the last of a contact kept, none after it was erased.

import { expect, jest, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { contactStream } from '../../src/domain/streams.js';
import type { StoredEvent } from '../../src/ports/eventLog.js';
import { Bodies } from '../../src/webhooks/bodies.js';
import { ContactsAsOf } from '../../src/webhooks/contactsAsOf.js';
import { openCommands } from '../support/commands.js';
import { created, renamed } from '../support/webhooks.js';

const ada = { organizationId: 'acme', contactId: 'ada' };

test('bodies are found by contact and name, those of others apart, until they are dropped', () => {
  const bodies = new Bodies();
  bodies.keep(ada, 'a', Buffer.from('1'));
  bodies.keep({ ...ada, organizationId: 'other' }, 'a', Buffer.from('2'));
  expect([bodies.get(ada, 'a')?.toString(), bodies.get({ ...ada, organizationId: 'other' }, 'a')?.toString()]).toEqual(['1', '2']);
  bodies.drop(ada);
  expect([bodies.get(ada, 'a'), bodies.get({ ...ada, organizationId: 'other' }, 'a')?.toString()]).toEqual([undefined, '2']);
});

test('the last bodies about a contact are kept', () => {
  const bodies = new Bodies();
  for (let n = 0; n < 20; n += 1) bodies.keep(ada, `${n}`, Buffer.from(`${n}`));
  const kept = Array.from({ length: 20 }, (_, n) => `${n}`).filter((name) => bodies.get(ada, name) !== undefined);
  expect(kept.length).toBeGreaterThan(1);
  expect(kept).toEqual(Array.from({ length: kept.length }, (_, n) => `${20 - kept.length + n}`));
});

test('a contact that is forgotten is folded from its first event', async () => {
  const { platform, events, context, close } = await openCommands({ organizationId: 'acme' });
  const stream = contactStream('acme', 'ada');
  const metadata = { ...context(), occurredAt: new Date().toISOString(), schemaVersion: 1 };
  for (const [index, event] of [created('ada'), renamed('ada', 'Ada L'), renamed('ada', 'Ada M')].entries()) {
    await events.commit(stream, index === 0 ? 'none' : index - 1, [{ ...event, id: randomUUID(), metadata }]);
  }
  const [first, second, third] = (await platform.log.readAll(null, 9)).events as [StoredEvent, StoredEvent, StoredEvent];
  const contacts = new ContactsAsOf(platform.log, events);
  const read = jest.spyOn(events, 'read');
  await contacts.after('ada', first);
  await contacts.after('ada', second);
  expect(read).not.toHaveBeenCalled();
  contacts.forget(ada);
  expect(await contacts.after('ada', third)).toMatchObject({ contact: { name: 'Ada M' }, revision: 2 });
  expect(read.mock.calls).toEqual([[stream, 0]]);
  await close();
});
