// kill -9 at any moment: what was acknowledged is there, and all reads agree.

import { expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
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
  expect(acknowledged).toBeGreaterThan(KILLS * WRITERS);
  await service.stop();
}, 90_000);

test('a process killed between the deletion of a manager and what follows from it finishes that after its restart', async () => {
  const dataDir = temporaryFolder();
  const organization = newOrganization();
  let interrupted = 0;
  // Killed so many ms after the DELETE was sent, or (null) at once after its answer.
  for (const after of [null, 15, 40, 90]) {
    const service = await startServiceProcess({}, dataDir);
    const client = service.client(organization);
    const manager = (await client.post('/contacts', { name: 'Manager' })).body.id as string;
    const etags = new Map<string, string | null>();
    await forEachOf(Array.from({ length: 1_500 }), 64, async (_, index) => {
      const created = await client.post('/contacts', { name: `Report ${index}`, metadata: { reportsTo: manager } });
      expect(created.status).toBe(201);
      etags.set(created.body.id, created.headers.get('ETag'));
    });
    const deletion = client.delete(`/contacts/${manager}`).then(({ status }) => status, () => null);
    if (after === null) expect(await deletion).toBe(204);
    else await sleep(after);
    await service.kill();
    const answered = await deletion;
    const restarted = await startServiceProcess({}, dataDir);
    const again = restarted.client(organization);
    const gone = (await again.get(`/contacts/${manager}`)).status === 404;
    if (answered === 204) expect(gone).toBe(true);
    if (gone && (answered === null || after === null)) interrupted += 1;
    expect((await again.get('/contacts/hierarchy')).body).toEqual(gone ? {} : { [manager]: expect.anything() });
    if (gone) {
      await forEachOf([...etags], 16, async ([id, etag]) => {
        // A new ETag tells of an event of the report's own: it has lost its manager for good.
        const report = await eventually(() => again.get(`/contacts/${id}`), ({ headers }) => headers.get('ETag') !== etag, 10_000);
        expect(report.body.metadata.reportsTo).toBeNull();
      });
    } else {
      expect((await again.delete(`/contacts/${manager}`)).status).toBe(204);
    }
    await restarted.stop();
  }
  expect(interrupted).toBeGreaterThan(0);
}, 120_000);
