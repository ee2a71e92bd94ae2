// Events that cannot be read, in each kind of stream: what they stop, that health names them, and
// that an operator can have them skipped.

import { afterEach, expect, test } from '@jest/globals';
import { contactStream, projectionsStream, reportingStream, webhookStream } from '../../src/domain/streams.js';
import { eventually } from '../crash/load.js';
import { temporaryFolder } from '../support/folder.js';
import { inStore, openTestHost, plantUnreadable } from '../support/projecting.js';
import { newOrganization, startTestService, type Client, type TestService } from '../support/service.js';

let service: TestService | null = null;
afterEach(async () => {
  await service?.stop();
  service = null;
});

const problems = async () => {
  const answer = await fetch(`${service?.origin}/health/ready`);
  const { problems: lines = [] } = (await answer.json()) as { problems?: string[] };
  expect(answer.status).toBe(lines.length === 0 ? 200 : 503);
  return lines;
};

/** Starts the service on a folder, again if it runs. */
async function restart(dataDir: string, between: () => void | Promise<void> = () => undefined): Promise<void> {
  await service?.stop();
  service = null;
  await between();
  service = await startTestService({ WEBHOOK_ALLOW_PRIVATE_NETWORKS: 'true' }, dataDir);
}

/** As `contacts skip` where no service runs. */
async function skip(dataDir: string, position: string): Promise<string[]> {
  const host = await openTestHost(dataDir);
  try {
    return await host.projector.skip({ position, projection: null, reason: 'damaged', actor: 'operator:op' });
  } finally {
    await host.platform.close();
  }
}

const newContact = async (client: Client) => (await client.post('/contacts', { name: 'Somebody' })).body.id as string;
const report = (client: Client, id: string, reportsTo: string) => client.patch(`/contacts/${id}`, { metadata: { reportsTo } });
const line = (position: string, type: string, revision: number, stream: string) =>
  `the event at position ${position} cannot be read and stops what needs it: ${type}, revision ${revision} of ${stream}`;

test.each([['the first', 0], ['not the first', 1]])('as %s of an organization’s reporting lines it stops changes of managers there, until it is skipped', async (_, revision) => {
  const [dataDir, organization] = [temporaryFolder(), newOrganization()];
  await restart(dataDir);
  const [a, b, c] = [await newContact(service!.client(organization)), await newContact(service!.client(organization)), await newContact(service!.client(organization))];
  if (revision === 1) expect((await report(service!.client(organization), a, b)).status).toBe(200);
  let position = '';
  await restart(dataDir, () => void (position = plantUnreadable(dataDir, reportingStream(organization), 'LineTransmogrified')));
  const client = service!.client(organization);
  expect((await report(client, c, a)).status).toBe(503);
  expect(await problems()).toEqual([line(position, 'LineTransmogrified', revision, reportingStream(organization))]);
  expect((await client.patch(`/contacts/${c}`, { name: 'Else' })).status).toBe(200);
  const others = service!.client(newOrganization());
  expect((await report(others, await newContact(others), await newContact(others))).status).toBe(200);

  await restart(dataDir, async () => expect(await skip(dataDir, position)).toEqual(['reporting']));
  const again = service!.client(organization);
  expect((await report(again, c, a)).status).toBe(200);
  expect((await report(again, a, c)).body).toMatchObject({ error: 'VALIDATION_ERROR' });
  expect((await report(again, b, c)).status).toBe(revision === 1 ? 400 : 200);
  expect(await problems()).toEqual([]);
  const audited = (await again.get('/audit?type=ProjectionEventSkipped')).body.data as { changes: unknown }[];
  expect(audited.map(({ changes }) => changes)).toEqual([[{ field: 'projection', from: null, to: 'reporting' }, { field: 'reason', from: null, to: 'damaged' }]]);
});

test('among what operators had skipped it stops the audit, not the start, and is skipped like any other', async () => {
  const [dataDir, organization] = [temporaryFolder(), newOrganization()];
  await restart(dataDir);
  const id = await newContact(service!.client(organization));
  let [inSkips, inContact] = ['', ''];
  await restart(dataDir, () => {
    inSkips = plantUnreadable(dataDir, projectionsStream, 'SkipTransmogrified');
    inContact = plantUnreadable(dataDir, contactStream(organization, id));
  });
  expect(await problems()).toEqual([expect.stringContaining(`stopped at position ${inContact}`), line(inSkips, 'SkipTransmogrified', 0, projectionsStream)]);
  expect((await service!.client(organization).get('/audit')).status).toBe(503);
  await restart(dataDir, async () => expect(await skip(dataDir, inContact)).toEqual(['contacts']));
  expect(await problems()).toEqual([line(inSkips, 'SkipTransmogrified', 0, projectionsStream)]);
  await restart(dataDir, async () => {
    expect(await skip(dataDir, inSkips)).toEqual(['operations']);
    await expect(skip(dataDir, inSkips)).rejects.toThrow(`nothing is stopped at position ${inSkips}`);
  });
  expect(await problems()).toEqual([]);
  expect((await service!.client(organization).get('/audit')).status).toBe(200);
  expect((await service!.client(organization).patch(`/contacts/${id}`, { name: 'Else' })).status).toBe(200);
});

test('of a webhook endpoint it stops webhooks, until it is skipped', async () => {
  const [dataDir, organization] = [temporaryFolder(), newOrganization()];
  await restart(dataDir);
  const made = await service!.client(organization).post('/webhooks', { url: 'http://127.0.0.1:9/' });
  const id = made.body.id as string;
  let position = '';
  await restart(dataDir, () => void (position = plantUnreadable(dataDir, webhookStream(organization, id), 'EndpointTransmogrified')));
  expect(await problems()).toEqual([expect.stringMatching(`^the projection endpoints is stopped at position ${position}: EndpointTransmogrified`)]);
  expect((await service!.client(organization).patch(`/webhooks/${id}`, { description: 'x' })).status).toBe(503);

  await restart(dataDir, async () => expect(await skip(dataDir, position)).toEqual(['endpoints']));
  const client = service!.client(organization);
  expect((await client.patch(`/webhooks/${id}`, { description: 'x' })).status).toBe(200);
  await newContact(client);
  const told = async () => ((await client.get(`/webhooks/${id}/deliveries`)).body.data as { event: string }[]).map(({ event }) => event);
  expect(await eventually(told, (events) => events.length > 0)).toEqual(['contact.created']);
  expect(await problems()).toEqual([]);
});

test('damaged after it was projected it stops commands on its contact; skipped, it is none of the contact’s any more', async () => {
  const [dataDir, organization] = [temporaryFolder(), newOrganization()];
  await restart(dataDir);
  const id = await newContact(service!.client(organization));
  expect((await service!.client(organization).patch(`/contacts/${id}`, { name: 'Renamed' })).status).toBe(200);
  const stream = contactStream(organization, id);
  let position = '';
  await restart(dataDir, () => {
    position = inStore(dataDir, (file) => {
      file.prepare("UPDATE events SET data = '{}' WHERE stream = ? AND revision = 1").run([stream]);
      return String((file.prepare('SELECT position FROM events WHERE stream = ? AND revision = 1').get([stream]) as { position: number }).position);
    });
  });
  const patch = () => service!.client(organization).patch(`/contacts/${id}`, { code: 'c' });
  expect((await patch()).status).toBe(503);
  expect(await problems()).toEqual([line(position, 'ContactUpdated', 1, stream)]);
  await restart(dataDir, async () => expect(await skip(dataDir, position)).toEqual(['contacts']));
  expect((await patch()).status).toBe(200);
  expect((await service!.client(organization).get(`/contacts/${id}/history`)).status).toBe(200);
  expect(await problems()).toEqual([]);
});
