// The reactor: goes on where it left off, does again what it may not have finished, and outlives failures.

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createContact } from '../../src/commands/createContact.js';
import type { RecordedEvent } from '../../src/ports/eventStore.js';
import { EmbeddedLeases } from '../../src/platform/embedded/leases.js';
import { Reactor } from '../../src/subscriptions/reactor.js';
import { UnderLease } from '../../src/subscriptions/underLease.js';
import { eventually } from '../crash/load.js';
import { openCommands, type OpenedCommands } from '../support/commands.js';

let opened: OpenedCommands;
beforeEach(async () => {
  opened = await openCommands();
});
afterEach(() => opened.close());

const contact = (name: string) => createContact(opened.commands, opened.context(), { name });

/** A reactor that notes the names of created contacts; `failing` may throw before it does. */
function noting(failing: (event: RecordedEvent) => void = () => undefined) {
  const noted: string[] = [];
  const errors: unknown[] = [];
  const { log, checkpoints } = opened.platform;
  const follow = async (event: RecordedEvent) => {
    failing(event);
    if (event.type === 'ContactCreated') noted.push(event.data.contact.name);
  };
  const isCause = ({ type }: { type: string }) => type === 'ContactCreated';
  const work = new Reactor({ log, events: opened.events, checkpoints, isCause, follow });
  const reactor = new UnderLease({ leases: new EmbeddedLeases(), name: 'reactions', holder: 'this', work, onError: (error) => errors.push(error) });
  const until = (names: string[]) => eventually(async () => noted.join(), (said) => said === names.join(), 20_000);
  return { reactor, errors, until };
}

test('follows what is there and what comes, and after a stop only what it has not followed', async () => {
  await contact('a');
  const first = noting();
  first.reactor.start();
  await first.until(['a']);
  await contact('b');
  await first.until(['a', 'b']);
  await first.reactor.stop();
  await contact('c');
  const second = noting();
  second.reactor.start();
  await second.until(['c']);
  await second.reactor.stop();
});

test('that ends without saving, as in a crash, follows all of it again', async () => {
  await contact('a');
  const crashed = noting();
  crashed.reactor.start();
  await crashed.until(['a']);
  await eventually(() => opened.platform.checkpoints.load('reactions'), (saved) => saved !== null, 20_000);
  // As it was before it saved: nothing that it did is known.
  await opened.platform.checkpoints.save('reactions', '0');
  const next = noting();
  next.reactor.start();
  await next.until(['a']);
  await Promise.all([crashed.reactor.stop(), next.reactor.stop()]);
});

test('tries an event that failed again before it goes on, and tells of each failure', async () => {
  let failures = 2;
  const { reactor, errors, until } = noting((event) => {
    if (event.type === 'ContactCreated' && event.data.contact.name === 'b' && (failures -= 1) >= 0) throw new Error('down');
  });
  for (const name of ['a', 'b', 'c']) await contact(name);
  reactor.start();
  // What came before the failed one in its batch is followed again with it: reactions bear that.
  await until(['a', 'a', 'a', 'b', 'c']);
  expect(errors).toHaveLength(2);
  await reactor.stop();
});
