// Many appends committed together: each keeps its own guard, and the read models show what was
// stored, or it is not.

import { expect, test } from '@jest/globals';
import { readSettings } from '../../src/config.js';
import { contactStream } from '../../src/domain/streams.js';
import { openHost } from '../../src/host.js';
import type { NewEvent } from '../../src/ports/eventStore.js';
import { eventMetadata, fieldsOf } from '../contract/samples.js';
import { temporaryFolder } from '../support/folder.js';
import { testEnvironment } from '../support/service.js';

const created = (id: string, name: string): NewEvent => ({
  type: 'ContactCreated',
  data: { contactId: id, contact: fieldsOf({ name }) },
  id: `event-${id}`,
  metadata: eventMetadata(),
});

test('guards, outcomes, read models and sealed data are as of single commits', async () => {
  const { platform, events } = await openHost(readSettings({ ...testEnvironment, DATA_DIR: temporaryFolder() }));
  const { log, readStore } = platform;
  const append = (id: string, name = id) => ({ stream: contactStream('acme', id), expected: 'none' as const, events: [created(id, name)] });
  await events.commit(append('a').stream, 'none', append('a').events);
  const intruder = { ...append('a'), events: [{ ...created('a', 'Intruder'), id: 'another' }] };
  const results = await events.commitMany([append('b', 'Confidential'), intruder, append('a'), append('c'), { ...append('d'), expected: 3 }]);
  expect(results.map(({ outcome }) => outcome)).toEqual(['appended', 'conflict', 'appended', 'appended', 'conflict']);
  expect((await log.readAll(null, 10)).events.map(({ id }) => id)).toEqual(['event-a', 'event-b', 'event-c']);
  const shown = await Promise.all(['a', 'b', 'c', 'd'].map((id) => readStore.getContact('acme', id)));
  expect(shown.map((contact) => contact?.document.name)).toEqual(['a', 'Confidential', 'c', undefined]);
  expect(JSON.stringify((await log.last(append('b').stream))?.data)).not.toContain('Confidential');
  expect(await events.commitMany([])).toEqual([]);
  await platform.close();
});

test('an append that a read model cannot show leaves nothing behind, and others of its group stand', async () => {
  const { platform } = await openHost(readSettings({ ...testEnvironment, DATA_DIR: temporaryFolder() }));
  const commit = platform.commit as NonNullable<typeof platform.commit>;
  const append = (id: string, plain = created(id, id)) => commit(contactStream('acme', id), 'none', [{ ...plain, data: { contactId: id } }], [plain]);
  const unshowable = { ...created('b', 'b'), data: { contactId: 'b' } } as NewEvent;
  const settled = await Promise.allSettled([append('a'), append('b', unshowable), append('c')]);
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  const { events } = await platform.log.readAll(null, 10);
  expect(events.map(({ id, position }) => [id, position])).toEqual([['event-a', '1'], ['event-c', '2']]);
  expect(await append('b')).toMatchObject({ outcome: 'appended', position: '3' });
  await platform.close();
});
