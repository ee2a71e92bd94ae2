// Reading, creating and changing contacts over HTTP, beside a bare Koa application and raw SQLite.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rawSqliteRate } from './support/rawSqlite.js';
import type { Bench, Figure } from './support/figures.js';
import { costs, expectOnly, load, rate, ratio, sideBySide, type LoadResult } from './support/load.js';
import { scratchFolder, startBaseline, startService, tokenFor } from './support/processes.js';

const CONNECTIONS = 64;
const SECONDS = Number(process.env.BENCH_SECONDS ?? 3);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);

/** The body of the spec's first example, as a client would send it. */
const contact = {
  name: 'John Smith',
  displayName: 'John',
  email: 'john.smith@acme.com',
  phone: '555-123-4567',
  entityTypes: ['Contact'],
  parentEntityId: 'd45f8e21-3ab2-4389-9e0d-9c12654b8e7a',
  address: { line1: '123 Main St', city: 'San Francisco', stateProvince: 'CA', postalCode: '94105', countryCode: 'US' },
  metadata: { title: 'Sales Director', department: 'Sales', workPhone: '555-123-4568', preferredContactMethod: 'email' },
  status: 'active',
};

const headers = { Authorization: `Bearer ${tokenFor('org_bench')}`, 'Content-Type': 'application/json' };

async function createOne(origin: string): Promise<{ id: string; text: string }> {
  const answer = await fetch(`${origin}/api/v1/contacts`, { method: 'POST', headers, body: JSON.stringify(contact) });
  const text = await answer.text();
  return { id: (JSON.parse(text) as { id: string }).id, text };
}

const read: Bench = {
  name: 'get',
  about: `GET /contacts/{id}, ${CONNECTIONS} connections, with authentication, limits, ETag and logs to a file`,
  run: async () => {
    const service = await startService(scratchFolder());
    const { id, text } = await createOne(service.origin);
    const file = join(scratchFolder(), 'answer.json');
    writeFileSync(file, text);
    const baseline = await startBaseline('koa', { ANSWER_FILE: file });
    const shared = { headers, connections: CONNECTIONS, seconds: SECONDS };
    const [ours, theirs] = await sideBySide(
      ROUNDS,
      async () => expectOnly(await load({ server: service, path: `/api/v1/contacts/${id}`, ...shared }), 200),
      async () => expectOnly(await load({ server: baseline, path: '/', ...shared }), 200),
    );
    await Promise.all([service.stop(), baseline.stop()]);
    return [
      { name: 'GET /contacts/{id}', value: rate(ours), unit: '/s' },
      { name: 'a bare Koa app answering the same bytes', value: rate(theirs), unit: '/s' },
      { name: 'GET of the bare Koa app', value: ratio(ours, theirs), unit: 'ratio', asked: { atLeast: 0.5 }, note: costs(ours, theirs) },
    ];
  },
};

const create: Bench = {
  name: 'post',
  about: `POST /contacts, ${CONNECTIONS} connections, synced to disk`,
  run: async (say) => {
    const folder = scratchFolder();
    const service = await startService(folder);
    const baseline = await startBaseline('koa');
    const body = JSON.stringify(contact);
    const shared = { method: 'POST', headers, body, connections: CONNECTIONS, seconds: SECONDS } as const;
    const [ours, theirs] = await sideBySide(
      ROUNDS,
      async () => expectOnly(await load({ server: service, path: '/api/v1/contacts', ...shared }), 201),
      async () => expectOnly(await load({ server: baseline, path: '/', ...shared }), 201),
    );
    await Promise.all([service.stop(), baseline.stop()]);
    say('writing the same rows by raw SQLite');
    const raw = rawSqliteRate(join(folder, 'contacts.sqlite'), join(scratchFolder(), 'raw.sqlite'), CONNECTIONS);
    const figures: Figure[] = [
      { name: 'POST /contacts', value: rate(ours), unit: '/s' },
      { name: 'a bare Koa app parsing and answering the body', value: rate(theirs), unit: '/s' },
      { name: 'raw SQLite, the same rows in synced groups of 64', value: raw, unit: '/s' },
      { name: 'POST of the bare Koa app', value: ratio(ours, theirs), unit: 'ratio', asked: { atLeast: 0.3 }, note: costs(ours, theirs) },
      { name: 'POST of raw SQLite', value: rate(ours) / raw, unit: 'ratio', asked: { atLeast: 0.15 } },
    ];
    return figures;
  },
};

const change: Bench = {
  name: 'put',
  about: `PUT /contacts/{id}, ${CONNECTIONS} connections on one contact: all are 200`,
  run: async () => {
    const service = await startService(scratchFolder());
    const { id } = await createOne(service.origin);
    const results: LoadResult[] = [];
    // Two bodies by turns: each PUT changes something.
    for (const title of ['Director', 'Vice President', 'Director', 'Vice President']) {
      const body = JSON.stringify({ metadata: { title } });
      results.push(await load({ server: service, path: `/api/v1/contacts/${id}`, method: 'PUT', headers, body, connections: CONNECTIONS, seconds: SECONDS }));
    }
    await service.stop();
    const others = results.flatMap(({ statuses }) => Object.entries(statuses)).filter(([status]) => status !== '200');
    return [
      { name: 'PUT on one contact', value: rate(results), unit: '/s' },
      { name: 'PUTs on one contact that were not 200', value: others.reduce((sum, [, count]) => sum + count, 0), unit: 'count', asked: { atMost: 0 } },
    ];
  },
};

export const contactBenches: readonly Bench[] = [read, create, change];
