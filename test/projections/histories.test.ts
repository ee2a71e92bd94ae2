// On generated histories: what is projected as events come, what a rebuild makes of them, and what
// a fold of the tests' own makes of them are the same documents.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { DomainEvent } from '../../src/domain/events/registry.js';
import { emptyFields, type EntityChanges, type EntityFields } from '../../src/domain/entity.js';
import type { Host } from '../../src/operations/operation.js';
import { projections } from '../../src/projections/project.js';
import { verify, type Difference } from '../../src/projections/verify.js';
import { foldDocuments } from '../support/fold.js';
import { temporaryFolder } from '../support/folder.js';
import { allEvents, canonicalDocuments, commit, openTestHost } from '../support/projecting.js';
import { newOrganization } from '../support/service.js';

let host: Host;
beforeAll(async () => {
  host = await openTestHost(temporaryFolder());
});
afterAll(() => host.platform.close());

const word = fc.constantFrom('Ada', 'Ägir', '', ' x ', '+49 30 1', '__proto__', '$set', 'a.b', '😀');
const text = fc.option(word);
const custom = fc.option(fc.dictionary(fc.constantFrom('a', 'b', '$set', 'x.y'), fc.oneof(fc.integer(), word, fc.constant({ deep: [1, null] }))));
const patched = fc.dictionary(fc.constantFrom('a', 'b', '$set', 'x.y'), fc.oneof(fc.constant(null), fc.integer(), fc.constant({ deep: { er: true } })));
const status = fc.constantFrom('active', 'inactive', 'archived') as fc.Arbitrary<EntityFields['status']>;
const address = fc.record(
  { id: fc.constant('a1'), line1: text, city: text, countryCode: fc.constantFrom('DE', null) },
  { requiredKeys: ['id'] },
);
const metadata = fc.record({ title: text, department: text, reportsTo: fc.option(fc.constantFrom('c1', 'c2')), workPhone: text }, { requiredKeys: [] });

const fields: fc.Arbitrary<EntityFields> = fc
  .record({ name: word, email: text, phone: text, notes: text, parentEntityId: fc.option(fc.constantFrom('f1', 'f2')), customFields: custom, status, metadata })
  .map((said) => {
    const empty = emptyFields(said.name);
    return { ...empty, ...said, metadata: { ...empty.metadata, ...said.metadata } } as EntityFields;
  });

const changes = fc.record(
  { name: word, email: text, phone: text, customFields: fc.option(patched), address: fc.option(address), metadata },
  { requiredKeys: [] },
) as fc.Arbitrary<EntityChanges>;

const contactIds = ['c1', 'c2', 'c3'];
const contactId = fc.constantFrom(...contactIds);
const companyId = fc.constantFrom('f1', 'f2');

/** Any event of any of a few streams; the ones that cannot follow on their stream are left out when it is written. */
const event: fc.Arbitrary<DomainEvent> = fc.oneof(
  fc.record({ type: fc.constant('ContactCreated' as const), data: fc.record({ contactId, contact: fields }) }),
  fc.record({ type: fc.constant('ContactUpdated' as const), data: fc.record({ contactId, changes }) }),
  fc.record({ type: fc.constant('ContactStatusChanged' as const), data: fc.record({ contactId, from: status, to: status }) }),
  fc.record({ type: fc.constant('ContactDeleted' as const), data: fc.record({ contactId }) }),
  fc.record({ type: fc.constant('ReportingLineFenced' as const), data: fc.record({ contactId }) }),
  fc.record({
    type: fc.constant('ContactRestored' as const),
    data: fc.record({ contactId, contact: fields, createdAt: fc.constant('2026-01-01T00:00:00.000Z') }),
  }),
  fc.record({ type: fc.constant('CompanyCreated' as const), data: fc.record({ companyId, company: fields.map((said) => ({ ...said, entityTypes: ['Company'] })) }) }),
  fc.record({ type: fc.constant('CompanyUpdated' as const), data: fc.record({ companyId, changes }) }),
  fc.record({ type: fc.constant('CompanyDeleted' as const), data: fc.record({ companyId }) }),
  fc.record({ type: fc.constant('PrimarySet' as const), data: fc.record({ companyId, contactId, previousContactId: fc.constant(null) }) }),
  fc.record({ type: fc.constant('PrimaryCleared' as const), data: fc.record({ companyId, contactId }) }),
);

type Phase = 'none' | 'live' | 'deleted';

/** The phase after `type`; undefined when it cannot follow. A deleted contact can be restored, a deleted company is gone. */
function phaseAfter(phase: Phase, type: string): Phase | undefined {
  if (type.endsWith('Created')) return phase === 'none' ? 'live' : undefined;
  if (type === 'ContactRestored') return phase === 'deleted' ? 'live' : undefined;
  if (phase !== 'live') return undefined;
  return type.endsWith('Deleted') ? 'deleted' : 'live';
}

/** Writes what can follow of a history, all streams at once or one event after the other; returns how much that was. */
async function write(history: readonly DomainEvent[], together: boolean): Promise<number> {
  const organization = newOrganization();
  const streams = new Map<string, { phase: Phase; revision: number; writing: Promise<void> }>();
  let written = 0;
  for (const event of history) {
    const data = event.data as { contactId?: string; companyId?: string };
    const id = data.companyId ?? data.contactId ?? '';
    const { phase, revision, writing: before } = streams.get(id) ?? { phase: 'none', revision: -1, writing: Promise.resolve() };
    const next = phaseAfter(phase, event.type);
    if (next === undefined) continue;
    const writing = before.then(() => commit(host, organization, revision, event));
    if (!together) await writing;
    streams.set(id, { phase: next, revision: revision + 1, writing });
    written += 1;
  }
  await Promise.all([...streams.values()].map(({ writing }) => writing));
  return written;
}

test('the read models are what the events say: as they come, after a rebuild, and by another fold', async () => {
  let written = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 10, maxLength: 60 }), fc.boolean(), async (history, together) => {
      written += await write(history, together);
    }),
    { numRuns: 60 },
  );
  expect(written).toBeGreaterThan(100);
  const expected = foldDocuments(await allEvents(host));
  expect(expected.size).toBeGreaterThan(20);
  expect(await canonicalDocuments(host)).toEqual(expected);
  const differences: Difference[] = [];
  for (const projection of projections) await verify(projection, host.projector.deps, { found: (difference) => differences.push(difference) });
  expect(differences).toEqual([]);
  for (const projection of projections) await host.projector.rebuild(projection, {});
  expect(await canonicalDocuments(host)).toEqual(expected);
});
