// kill -9 at any moment: what was acknowledged is there, and all reads agree.

import { expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { createContact } from '../../src/commands/createContact.js';
import { openCommands } from '../support/commands.js';
import { temporaryFolder } from '../support/folder.js';
import { newOrganization, startServiceProcess } from '../support/service.js';
import {
  eventually,
  expectIndexesAgree,
  expectNothingLost,
  expectPrimaries,
  forEachOf,
  listAll,
  newWriter,
  write,
  type Writer,
} from './load.js';

const KILLS = 20;
const WRITERS = 16;

test('twenty kills under load lose nothing that was acknowledged, and all reads agree', async () => {
  const dataDir = temporaryFolder();
  const organization = newOrganization();
  const writers: Writer[] = [];
  let acknowledged = 0;
  for (let round = 0; round < KILLS; round += 1) {
    const service = await startServiceProcess({}, dataDir);
    const client = service.client(organization);
    if (round === 0) for (let index = 0; index < WRITERS; index += 1) writers.push(await newWriter(client));
    const all = await listAll(client);
    expectNothingLost(all, writers);
    await expectPrimaries(client, all, writers);
    if (round % 5 === 4) await expectIndexesAgree(client, all, writers.map(({ company }) => company));
    const working = writers.map((writer) => write(client, writer, () => false));
    await sleep(150 + Math.random() * 450);
    await service.kill();
    const results = await Promise.all(working);
    expect(results.flatMap(({ refused }) => refused)).toEqual([]);
    acknowledged += results.reduce((sum, result) => sum + result.acknowledged, 0);
  }
  const service = await startServiceProcess({}, dataDir);
  const client = service.client(organization);
  const all = await listAll(client);
  expectNothingLost(all, writers);
  await expectPrimaries(client, all, writers);
  await expectIndexesAgree(client, all, writers.map(({ company }) => company));
  await forEachOf([...all.values()], 16, async (contact) => {
    expect((await client.get(`/contacts/${contact.id}`)).body).toEqual(contact);
  });
  const deleted = writers.flatMap(({ contacts }) => contacts).filter(({ id }) => !all.has(id));
  await forEachOf(deleted, 16, async ({ id }) => expect((await client.get(`/contacts/${id}`)).status).toBe(404));
  expect(deleted.length).toBeGreaterThan(0);
  expect(acknowledged).toBeGreaterThan(KILLS);
  await service.stop();
}, 240_000);

/** Fills the store in `dataDir` with a manager and contacts that report to it; returns their ids. */
async function makeReports(dataDir: string, organizationId: string, count: number): Promise<{ manager: string; reports: string[] }> {
  const { commands, context, close } = await openCommands({ dataDir, organizationId });
  const create = async (name: string, reportsTo: string | null) => {
    const outcome = await createContact(commands, context(), { name, metadata: { reportsTo } });
    if (!outcome.done || outcome.state.phase !== 'live') throw new Error('a contact could not be made');
    return outcome.state.contact.id;
  };
  const manager = await create('Manager', null);
  const reports = await Promise.all(Array.from({ length: count }, (_, index) => create(`Report ${index}`, manager)));
  await close();
  return { manager, reports };
}

test('a process killed between the deletion of a manager and what follows from it finishes that after its restart', async () => {
  const organization = newOrganization();
  // Killed so many ms after the DELETE was sent, or (null) at once after its answer.
  for (const after of [null, 25]) {
    const dataDir = temporaryFolder();
    const { manager, reports } = await makeReports(dataDir, organization, 1_200);
    const service = await startServiceProcess({}, dataDir);
    const deletion = service.client(organization).delete(`/contacts/${manager}`).then(({ status }) => status, () => null);
    if (after === null) expect(await deletion).toBe(204);
    else await sleep(after);
    await service.kill();
    const answered = await deletion;
    const restarted = await startServiceProcess({}, dataDir);
    const again = restarted.client(organization);
    const gone = (await again.get(`/contacts/${manager}`)).status === 404;
    if (answered === 204) expect(gone).toBe(true);
    expect((await again.get('/contacts/hierarchy')).body).toEqual(gone ? {} : { [manager]: expect.anything() });
    if (!gone) expect((await again.delete(`/contacts/${manager}`)).status).toBe(204);
    // A change that changes nothing answers from the contact's own events, not from what reads hide.
    const managerOf = async (id: string) => (await again.put(`/contacts/${id}`, {})).body.metadata.reportsTo as string | null;
    await forEachOf(reports, 16, async (id) => void (await eventually(() => managerOf(id), (left) => left === null, 20_000)));
    await restarted.stop();
  }
}, 240_000);
