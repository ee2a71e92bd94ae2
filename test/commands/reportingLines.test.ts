// Looking up reporting lines.

import { expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { createContact } from '../../src/commands/createContact.js';
import { ReportingLines } from '../../src/commands/reportingLines.js';
import { openCommands } from '../support/commands.js';

test('others have their turn while a long line is gone up, though all of it is in memory', async () => {
  const { commands, context, organizationId, close } = await openCommands();
  const ids: string[] = [];
  for (let depth = 0; depth < 500; depth += 1) {
    const made = await createContact(commands, context(), { name: 'Contact', metadata: { reportsTo: ids.at(-1) ?? null } });
    if (!made.done || made.state.phase !== 'live') throw new Error('no contact was made');
    ids.push(made.state.contact.id);
  }
  const lines = new ReportingLines(commands.handler);
  const check = () => lines.check(organizationId, { contactId: randomUUID(), managerId: ids.at(-1) ?? '', revision: 1 });
  await check();
  let [turns, isOver] = [0, false];
  const count = () => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  expect(await check()).toBe('fits');
  isOver = true;
  expect(turns).toBeGreaterThanOrEqual(2);
  await close();
});
