// The history that is kept as events come, and what erasing a contact leaves of it, is byte for byte
// what a rebuild makes of the events, whose personal data is gone by then.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Host } from '../../src/operations/operation.js';
import type { NewEvent } from '../../src/ports/eventStore.js';
import { parseStream, streamName } from '../../src/domain/streams.js';
import { projections } from '../../src/projections/project.js';
import { temporaryFolder } from '../support/folder.js';
import { inStore, openTestHost } from '../support/projecting.js';
import { newOrganization } from '../support/service.js';
import { histories } from './history.js';

const folder = temporaryFolder();
let host: Host;
beforeAll(async () => {
  host = await openTestHost(folder);
});
afterAll(() => host.platform.close());

/** Commits a history, each of its organizations under a name of this run; returns its contacts with the revisions of their streams. */
async function write(events: readonly (NewEvent & { stream: string; revision: number })[]): Promise<Map<string, number>> {
  const run = newOrganization();
  const contacts = new Map<string, number>();
  for (const { stream, revision, metadata, ...event } of events) {
    const organizationId = `${metadata.organizationId}/${run}`;
    const subject = parseStream(stream);
    if (subject === undefined) throw new Error(`${stream} is no stream of an aggregate`);
    const name = streamName(subject.category, organizationId, subject.id);
    const own = { ...event, id: `${event.id}-${run}`, metadata: { ...metadata, organizationId } } as NewEvent;
    await host.events.commit(name, revision === 0 ? 'none' : revision - 1, [own]);
    if (name.startsWith('contact-')) contacts.set(name, revision);
  }
  return contacts;
}

async function erase(stream: string, revision: number): Promise<void> {
  const subject = parseStream(stream);
  const last = await host.events.last(stream);
  if (subject === undefined || last === null) throw new Error(`${stream} is no stream of a contact`);
  const event = { type: 'ContactErased' as const, data: { contactId: subject.id, reason: 'asked' }, id: `${last.id}-erased`, metadata: last.metadata };
  await host.events.commit(stream, revision, [event]);
  await host.platform.keys.destroy(subject);
}

/** Every row of the live history and of the versions that are no longer the newest. */
function rows() {
  const of = (table: string, columns: string) =>
    `SELECT c.projection, c.organization, ${columns} FROM ${table} t JOIN collections c ON c.number = t.collection
     JOIN generations g ON g.projection = c.projection AND g.number = c.generation AND g.state = 'live' ORDER BY 1, 2, 3, 4, 5`;
  return inStore(folder, (file) => ({
    history: file.prepare(of('history', 't.id, t.revision, t.at, t.actor, t.type, t.head, t.changes')).all([]),
    versions: file.prepare(of('versions', 't.id, t.revision, t.until, t.status, t.sort_name, t.created_at, t.updated_at, t.parent_id, t.department, t.contact_method, t.manager_id, t.primary_id, t.searchable, t.body')).all([]) as { body: string }[],
  }));
}

test('a rebuild makes the same rows, of erased contacts too', async () => {
  let erased = 0;
  await fc.assert(
    fc.asyncProperty(histories(40), fc.integer({ min: 0, max: 1 }), async ({ events }, spared) => {
      const contacts = await write(events);
      for (const [stream, revision] of [...contacts].slice(spared)) {
        await erase(stream, revision);
        erased += 1;
      }
    }),
    { numRuns: 150 },
  );
  expect(erased).toBeGreaterThan(20);
  const before = rows();
  expect(before.versions.length).toBeGreaterThan(20);
  for (const projection of projections) await host.projector.rebuild(projection, {});
  const after = rows();
  expect(after.history).toEqual(before.history);
  expect(after.versions).toEqual(before.versions);
}, 60_000);
