// A rebuild: beside what reads see, while others write, going on where it was.

import { expect, test } from '@jest/globals';
import { ProjectionStoppedError } from '../../src/projections/advance.js';
import { projections } from '../../src/projections/project.js';
import { rebuild, RebuildReplacedError } from '../../src/projections/rebuild.js';
import { verify } from '../../src/projections/verify.js';
import type { Projection } from '../../src/ports/projection.js';
import type { MakeReady } from '../../src/ports/readySteps.js';
import { temporaryFolder } from '../support/folder.js';
import { canonicalDocuments, commit, createContacts, created, inStore, openTestHost } from '../support/projecting.js';

const [contacts] = projections as [Projection];
const ids = (count: number, prefix = 'c') => Array.from({ length: count }, (_, n) => `${prefix}${n}`);

test('gives the same documents and tells how far it has come', async () => {
  const host = await openTestHost(temporaryFolder());
  await createContacts(host, 'acme', ids(1_200));
  await createContacts(host, 'globex', ids(10));
  await commit(host, 'acme', 0, { type: 'ContactDeleted', data: { contactId: 'c7' } });
  const before = await canonicalDocuments(host);
  const live = await host.platform.projectionStore.live('contacts');
  const told: [number, number | null][] = [];
  expect(await host.projector.rebuild(contacts, { report: ({ done, total }) => told.push([done, total]) })).toBe(1_211);
  expect(told[0]).toEqual([0, 1_211]);
  expect(told.at(-1)).toEqual([1_211, 1_211]);
  expect(told.map(([done]) => done)).toEqual(told.map(([done]) => done).sort((a, b) => a - b));
  expect(await canonicalDocuments(host)).toEqual(before);
  expect((await host.platform.projectionStore.live('contacts'))?.number).toBeGreaterThan(live?.number ?? 0);
  await host.platform.close();
});

test('ends while others write without a pause, and shows all that they wrote', async () => {
  const host = await openTestHost(temporaryFolder());
  await createContacts(host, 'acme', ids(1_500));
  let done = false;
  const writer = async (name: string) => {
    let written = 0;
    for (; !done; written += 1) {
      await createContacts(host, 'acme', [`${name}${written}`]);
      const seen = await host.platform.readStore.getContact('acme', `${name}${written}`);
      if (seen === null) throw new Error('a write that was acknowledged is not seen');
    }
    return written;
  };
  const writers = ['w', 'x', 'y', 'z'].map(writer);
  await host.projector.rebuild(contacts, {});
  done = true;
  const written = (await Promise.all(writers)).reduce((sum, count) => sum + count, 0);
  expect(written).toBeGreaterThan(0);
  expect((await canonicalDocuments(host)).size).toBe(1_500 + written);
  await host.platform.close();
});

test('goes on where it was aborted, also after the store was closed', async () => {
  const folder = temporaryFolder();
  let host = await openTestHost(folder);
  await createContacts(host, 'acme', ids(1_600));
  const before = await canonicalDocuments(host);
  const abort = new AbortController();
  const reason = new Error('enough');
  const report = ({ done }: { done: number }) => done >= 1_000 && abort.abort(reason);
  await expect(host.projector.rebuild(contacts, { report, signal: abort.signal })).rejects.toBe(reason);
  const begun = await host.platform.projectionStore.building('contacts');
  expect(begun?.position).toBe('1000');
  expect(await canonicalDocuments(host)).toEqual(before);
  await host.platform.close();
  host = await openTestHost(folder);
  const told: number[] = [];
  expect(await host.projector.rebuild(contacts, { report: ({ done }) => told.push(done) })).toBe(600);
  expect(told[0]).toBe(1_000);
  expect((await host.platform.projectionStore.live('contacts'))?.number).toBe(begun?.number);
  expect(await canonicalDocuments(host)).toEqual(before);
  await host.platform.close();
});

test('alone, steps are made ready in a thread: the same documents and history, and the same stop', async () => {
  const folder = temporaryFolder();
  const host = await openTestHost(folder);
  await createContacts(host, 'acme', ids(1_900));
  await commit(host, 'acme', -1, created('changed', { name: 'Before' }));
  await commit(host, 'acme', 0, { type: 'ContactUpdated', data: { contactId: 'changed', changes: { name: 'After' } } });
  await commit(host, 'acme', 0, { type: 'ContactDeleted', data: { contactId: 'c7' } });
  await createContacts(host, 'globex', ids(600));
  await commit(host, 'acme', 0, { type: 'ContactUpdated', data: { contactId: 'c8', changes: { name: 'Later' } } });
  const before = await canonicalDocuments(host);
  const { deps } = host.projector;
  const made: number[] = [];
  const makeReady: MakeReady = (...asked) => {
    const steps = (deps.makeReady as MakeReady)(...asked);
    const next = async () => {
      const step = await steps.next();
      if (step !== null) made.push(step.seen);
      return step;
    };
    return { next, close: () => steps.close() };
  };
  expect(await rebuild(contacts, { ...deps, makeReady }, { alone: true })).toBe(2_504);
  const whole = [...Array.from({ length: 10 }, () => 250), 4];
  expect(made).toEqual(whole);
  expect(await canonicalDocuments(host)).toEqual(before);
  expect(await verify(contacts, deps, { found: (difference) => expect(difference).toBeNull() })).toBe(2_501);

  inStore(folder, (file) => file.exec(`UPDATE events SET data = '{}' WHERE position = 2300`));
  const stopped = await rebuild(contacts, { ...deps, makeReady }, { alone: true }).catch((error: unknown) => error);
  expect(stopped).toBeInstanceOf(ProjectionStoppedError);
  expect((stopped as ProjectionStoppedError).event.position).toBe('2300');
  expect((await host.platform.projectionStore.building('contacts'))?.position).toBe('2299');
  expect(made).toEqual([...whole, ...whole.slice(0, 9)]);
  await host.platform.close();
});

test('begins anew when another version of the projection had begun it', async () => {
  const host = await openTestHost(temporaryFolder());
  await createContacts(host, 'acme', ids(3));
  const begun = await host.platform.projectionStore.build('contacts', contacts.version + 1);
  expect(await host.projector.rebuild(contacts, {})).toBe(3);
  expect((await host.platform.projectionStore.live('contacts'))?.number).toBeGreaterThan(begun.number);
  await host.platform.close();
});

test('is refused while there is one, and says when another took its place', async () => {
  const host = await openTestHost(temporaryFolder());
  await createContacts(host, 'acme', ids(700));
  const first = host.projector.rebuild(contacts, {});
  await expect(host.projector.rebuild(contacts, {})).rejects.toThrow('contacts is being rebuilt already');
  expect(await first).toBe(700);
  let begun = false;
  const report = () => {
    if (!begun) void host.platform.projectionStore.build('contacts', contacts.version);
    begun = true;
  };
  await expect(rebuild(contacts, host.projector.deps, { report })).rejects.toThrow(RebuildReplacedError);
  await host.platform.close();
});

test('a start makes anew what another version of a projection made', async () => {
  const folder = temporaryFolder();
  let host = await openTestHost(folder);
  await createContacts(host, 'acme', ids(5));
  const before = await canonicalDocuments(host);
  await host.platform.close();
  inStore(folder, (file) => {
    file.exec(`UPDATE generations SET version = version + 7 WHERE projection = 'contacts'`);
    file.exec(`UPDATE documents SET body = json_set(body, '$.name', 'of another version')`);
  });
  host = await openTestHost(folder);
  expect(host.projector.stops()).toEqual([]);
  expect((await host.platform.projectionStore.live('contacts'))?.version).toBe(contacts.version);
  expect(await canonicalDocuments(host)).toEqual(before);
  await createContacts(host, 'acme', ['another']);
  await host.platform.close();
});
