// An event that cannot be projected stops its projection, and only that, until an operator has it
// skipped.

import { afterEach, expect, test } from '@jest/globals';
import { companyStream, contactStream, projectionsStream, reportingStream } from '../../src/domain/streams.js';
import { UnavailableError } from '../../src/ports/errors.js';
import type { Projection } from '../../src/ports/projection.js';
import { openEmbedded } from '../../src/platform/embedded/index.js';
import { SealedEventStore } from '../../src/platform/sealedEventStore.js';
import { batchChanges, projections } from '../../src/projections/project.js';
import { Projector } from '../../src/projections/projector.js';
import { Skips } from '../../src/projections/skips.js';
import { Unreadable } from '../../src/projections/unreadable.js';
import { wrappingKey } from '../contract/embedded.js';
import { temporaryFolder } from '../support/folder.js';
import { newOrganization, startTestService, type TestService } from '../support/service.js';
import { all } from '../contract/samples.js';
import { allEvents, canonicalDocuments, commit, created, createContacts, inStore, openTestHost, plantUnreadable } from '../support/projecting.js';

let service: TestService | null = null;
afterEach(async () => {
  await service?.stop();
  service = null;
});

const ready = async ({ origin }: TestService) => {
  const answer = await fetch(`${origin}/health/ready`);
  return { status: answer.status, body: (await answer.json()) as { status: string; problems?: string[] } };
};

/** A store with contacts and a company in which the stream of contact `bad` ends in an event that cannot be read. */
async function withBadEvent() {
  const [dataDir, organization] = [temporaryFolder(), newOrganization()];
  service = await startTestService({}, dataDir);
  const client = service.client(organization);
  const [bad, good] = [(await client.post('/contacts', { name: 'Bad' })).body.id as string, (await client.post('/contacts', { name: 'Good' })).body.id as string];
  const company = (await client.post('/companies', { name: 'Firm', entityTypes: ['Company'] })).body.id as string;
  await service.stop();
  const position = plantUnreadable(dataDir, contactStream(organization, bad));
  service = await startTestService({}, dataDir);
  return { dataDir, organization, bad, good, company, position, client: service.client(organization) };
}

test('health is red and names the event; companies go on; writes of contacts are refused and leave nothing; reads stay up', async () => {
  const { organization, bad, good, company, position, client } = await withBadEvent();
  const { status, body } = await ready(service!);
  expect(status).toBe(503);
  const line = `the projection contacts is stopped at position ${position}: ContactTransmogrified, revision 1 of ${contactStream(organization, bad)} (UnreadableEventError)`;
  expect(body).toEqual({ status: 'unavailable', problems: [line] });
  expect((await client.post('/companies', { name: 'Other', entityTypes: ['Company'] })).status).toBe(201);
  expect((await client.patch(`/companies/${company}`, { name: 'Renamed' })).status).toBe(200);
  expect((await client.get(`/companies/${company}`)).body.name).toBe('Renamed');
  const refused = [await client.post('/contacts', { name: 'New' }), await client.patch(`/contacts/${good}`, { name: 'Better' })];
  expect(refused.map((reply) => reply.status)).toEqual([503, 503]);
  expect((await client.get('/contacts')).body).toMatchObject({ total: 2 });
  expect((await client.get(`/contacts/${good}`)).body.name).toBe('Good');
  expect((await client.get(`/contacts/${bad}`)).body.name).toBe('Bad');
});

test('after it was skipped all goes on, also after a restart and in a rebuild; the skip is an event', async () => {
  const { dataDir, good, position } = await withBadEvent();
  await service!.stop();
  const host = await openTestHost(dataDir);
  const request = { position, projection: null, reason: 'of a version we left', actor: 'operator:op' };
  await expect(host.projector.skip({ ...request, position: '1' })).rejects.toThrow(`nothing is stopped at position 1; the projection contacts is stopped at position ${position}`);
  await expect(host.projector.skip({ ...request, projection: 'companies' })).rejects.toThrow(`companies is not stopped at position ${position}`);
  expect(await host.projector.skip(request)).toEqual(['contacts']);
  expect(host.projector.stops()).toEqual([]);
  const [skipped, ...more] = await all(host.events.read(projectionsStream, 0));
  expect(skipped).toMatchObject({ type: 'ProjectionEventSkipped', data: { projection: 'contacts', position, reason: 'of a version we left' }, metadata: { actor: { sub: 'operator:op' } } });
  expect(more).toEqual([]);
  const before = await canonicalDocuments(host);
  expect(before.size).toBe(3);
  for (const projection of projections) await host.projector.rebuild(projection, {});
  expect(await canonicalDocuments(host)).toEqual(before);
  await host.platform.close();

  service = await startTestService({}, dataDir);
  expect(await ready(service)).toEqual({ status: 200, body: { status: 'ok' } });
  const [{ organizationId }] = [...before.values()].map((text) => JSON.parse(text) as { organizationId: string }) as [{ organizationId: string }];
  const client = service.client(organizationId);
  expect((await client.patch(`/contacts/${good}`, { name: 'Better' })).status).toBe(200);
  expect((await client.get(`/contacts/${good}`)).body.name).toBe('Better');
});

test('the very contact of a skipped event goes on without it: changed, claimed for, deleted, and told of', async () => {
  const { dataDir, organization, bad, good, position } = await withBadEvent();
  const stuck = await service!.client(organization).patch(`/contacts/${bad}`, { name: 'Mended' });
  expect(stuck.status).toBeGreaterThanOrEqual(500);
  await service!.stop();
  const host = await openTestHost(dataDir);
  await host.projector.skip({ position, projection: null, reason: '', actor: 'operator:op' });
  await host.platform.close();

  service = await startTestService({}, dataDir);
  const client = service.client(organization);
  const shown = await client.get(`/contacts/${bad}`);
  const etag = shown.headers.get('ETag') ?? '';
  const mended = await client.patch(`/contacts/${bad}`, { name: 'Mended' }, { 'If-Match': etag });
  expect([mended.status, mended.body.name]).toEqual([200, 'Mended']);
  expect((await client.patch(`/contacts/${bad}`, { name: 'Late' }, { 'If-Match': etag })).status).toBe(412);
  expect((await client.get(`/contacts/${bad}`)).body).toEqual(mended.body);
  expect((await client.patch(`/contacts/${bad}`, { metadata: { reportsTo: good } })).status).toBe(200);
  expect((await client.patch(`/contacts/${good}`, { metadata: { reportsTo: bad } })).status).toBe(400);
  const history = (await client.get(`/contacts/${bad}/history`)).body.data as { type: string; revision: number }[];
  expect(history.map(({ type, revision }) => [type, revision])).toEqual([['ContactCreated', 0], ['ContactUpdated', 2], ['ContactUpdated', 3]]);
  expect((await client.delete(`/contacts/${bad}`)).status).toBe(204);
  const told = (await client.get('/events?limit=100')).body.data as { type: string; subject: string; position: string }[];
  expect(told.filter(({ subject }) => subject === bad).map(({ type }) => type.split('.').at(-1))).toEqual(['ContactCreated', 'ContactUpdated', 'ContactUpdated', 'ContactDeleted']);
  expect(told.map((event) => event.position)).not.toContain(position);
  await service.stop();
  const again = await openTestHost(dataDir);
  const before = await canonicalDocuments(again);
  for (const projection of projections) await again.projector.rebuild(projection, {});
  expect(await canonicalDocuments(again)).toEqual(before);
  await again.platform.close();
});

test('a contact whose lines are claimed directly after a skipped event can report to another', async () => {
  const { dataDir, organization, bad, good, position } = await withBadEvent();
  await service!.stop();
  const host = await openTestHost(dataDir);
  await host.projector.skip({ position, projection: null, reason: '', actor: 'operator:op' });
  await host.platform.close();
  service = await startTestService({}, dataDir);
  const client = service.client(organization);
  expect((await client.patch(`/contacts/${bad}`, { metadata: { reportsTo: good } })).status).toBe(200);
  expect((await client.get(`/contacts/${bad}`)).body.metadata.reportsTo).toBe(good);
  expect((await client.patch(`/contacts/${good}`, { metadata: { reportsTo: bad } })).status).toBe(400);
});

test('an event that no projection shows stops nothing; one of a company stops companies only', async () => {
  const folder = temporaryFolder();
  let host = await openTestHost(folder);
  await createContacts(host, 'acme', ['c1']);
  await host.platform.close();
  plantUnreadable(folder, companyStream('acme', 'f1'), 'CompanyTransmogrified');
  host = await openTestHost(folder);
  expect(host.projector.stops().map(({ message }) => message)).toEqual([expect.stringMatching(/^the projection companies is stopped at position 2: CompanyTransmogrified/)]);
  await createContacts(host, 'acme', ['c2']);
  expect((await canonicalDocuments(host)).size).toBe(2);
  await expect(commit(host, 'acme', -1, { type: 'CompanyDeleted', data: { companyId: 'f2' } })).rejects.toThrow(UnavailableError);
  await host.platform.close();
});

test('a projection goes on after skipping one event and stops at the next', async () => {
  const folder = temporaryFolder();
  let host = await openTestHost(folder);
  await createContacts(host, 'acme', Array.from({ length: 30 }, (_, n) => `c${n}`));
  await host.platform.close();
  const positions = ['c3', 'c3', 'c9'].map((id) => plantUnreadable(folder, contactStream('acme', id)));
  host = await openTestHost(folder);
  for (const position of positions) {
    expect(host.projector.stops().map(({ message }) => message)).toEqual([expect.stringContaining(`stopped at position ${position}: `)]);
    await host.projector.skip({ position, projection: 'contacts', reason: '', actor: 'operator:op' });
  }
  expect(host.projector.stops()).toEqual([]);
  await createContacts(host, 'acme', ['another']);
  expect((await canonicalDocuments(host)).size).toBe(31);
  await host.platform.close();
});

test('a rebuild stops before the event and leaves what reads see; skipped, it goes on', async () => {
  const folder = temporaryFolder();
  const host = await openTestHost(folder);
  await createContacts(host, 'acme', ['c1', 'c2']);
  const [contacts] = projections as [Projection];
  const failing: Projection = {
    ...contacts,
    evolve: (document, event) => {
      if (event.stream === contactStream('acme', 'c2')) throw new TypeError('a mistake in the projection');
      return contacts.evolve(document, event);
    },
  };
  const projector = new Projector({ ...host.projector.deps, projections: [failing] });
  await expect(projector.rebuild(failing, {})).rejects.toThrow(/contacts is stopped at position \d: ContactCreated, .*TypeError/);
  expect((await canonicalDocuments(host)).size).toBe(2);
  const at = (await allEvents(host)).find(({ stream }) => stream === contactStream('acme', 'c2'))?.position ?? '';
  await projector.skip({ position: at, projection: null, reason: '', actor: 'operator:op' });
  await projector.rebuild(failing, {});
  expect((await canonicalDocuments(host)).size).toBe(1);
  await host.platform.close();
});

test('read models that are ahead of the log stop rather than guess, until they are rebuilt', async () => {
  const folder = temporaryFolder();
  let host = await openTestHost(folder);
  await createContacts(host, 'acme', ['c1', 'c2', 'c3']);
  await host.platform.close();
  inStore(folder, (file) => file.exec('DELETE FROM events WHERE position > 1'));
  host = await openTestHost(folder);
  expect(host.projector.stops().map(({ name, projection }) => [name, projection])).toEqual([['AheadOfLogError', 'contacts'], ['AheadOfLogError', 'companies'], ['AheadOfLogError', 'endpoints']]);
  await expect(createContacts(host, 'acme', ['c4'])).rejects.toThrow(UnavailableError);
  for (const projection of projections) expect(await host.projector.rebuild(projection, {})).toBe(1);
  expect(host.projector.stops()).toEqual([]);
  await createContacts(host, 'acme', ['c4']);
  expect((await canonicalDocuments(host)).size).toBe(2);
  await host.platform.close();
});

test('a projector that fails at an event as it comes refuses that write alone, and nothing of it is stored', async () => {
  const [contacts, companies] = projections as [Projection, Projection];
  const failing: Projection = {
    ...contacts,
    evolve: (document, event) => {
      if (event.stream === contactStream('acme', 'bad')) throw new TypeError('a mistake in the projection');
      return contacts.evolve(document, event);
    },
  };
  const skips = new Skips();
  const platform = await openEmbedded({ dataDir: temporaryFolder(), wrappingKeys: [wrappingKey()], projections: [failing, companies], changesOf: batchChanges });
  const events = new SealedEventStore(platform.log, platform.keys, platform.commit);
  const deps = { projections: [failing, companies], log: platform.log, events, store: platform.projectionStore, makeReady: null, checks: platform.checks, skips, unreadable: new Unreadable(), clock: { now: () => new Date() }, ids: { next: () => 'x' }, shared: false };
  const projector = new Projector(deps);
  await projector.start();
  const writes = ['a', 'bad', 'b', 'c'].map((id) => commit({ events }, 'acme', -1, created(id)).then(() => 'stored', (error: Error) => error.name));
  expect(await Promise.all(writes)).toEqual(['stored', 'UnavailableError', 'stored', 'stored']);
  expect(await platform.log.last(contactStream('acme', 'bad'))).toBeNull();
  expect(await platform.log.head()).toBe('3');
  await commit({ events }, 'acme', 0, { type: 'ContactUpdated', data: { contactId: 'a', changes: { name: 'A' } } });
  expect((await platform.readStore.getContact('acme', 'a'))?.document.name).toBe('A');
  expect((await platform.projectionStore.live('contacts'))?.position).toBe('4');
  await platform.close();
});

test('several events of one document in one group become one change, each seeing the ones before', async () => {
  const host = await openTestHost(temporaryFolder());
  await commit(host, 'acme', -1, created('a', { name: 'A' }));
  await Promise.all([
    commit(host, 'acme', 0, { type: 'ContactStatusChanged', data: { contactId: 'a', from: 'active', to: 'inactive' } }),
    commit(host, 'acme', 1, { type: 'ContactDeleted', data: { contactId: 'a' } }),
    commit(host, 'acme', 0, { type: 'ContactDeleted', data: { contactId: 'a' } }).then(
      () => expect('a conflict').toBe('refused'),
      (error: Error) => expect(error.message).toContain('is not at 0'),
    ),
  ]);
  const [stored] = await host.platform.projectionStore.load('contacts', (await host.platform.projectionStore.live('contacts'))?.number ?? 0, [{ organizationId: 'acme', id: 'a' }]);
  expect(stored).toEqual({ revision: 2, document: null });
  expect(await host.platform.log.last(reportingStream('acme'))).toBeNull();
  await host.platform.close();
});
