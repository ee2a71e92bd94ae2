// The audit tells of events that operators had projections go past, to those whose events they are.

import { expect, test } from '@jest/globals';
import { openHost } from '../../src/host.js';
import { readSettings } from '../../src/config.js';
import { contactStream, projectionsStream, SERVICE_ORGANIZATION } from '../../src/domain/streams.js';
import type { NewEvent } from '../../src/ports/eventStore.js';
import type { AuditFilter, AuditPoint } from '../../src/ports/historyStore.js';
import { AuditTrail } from '../../src/projections/auditTrail.js';
import { temporaryFolder } from '../support/folder.js';
import { testEnvironment } from '../support/service.js';

const at = (second: number) => `2026-03-01T10:00:0${second}.000Z`;
const metadata = (organizationId: string, second: number, sub: string) => ({ organizationId, actor: { sub }, requestId: 'r', correlationId: 'r', causationId: null, occurredAt: at(second), schemaVersion: 1 });
const everything: AuditFilter = { actor: null, type: null, contactId: null, companyId: null, since: null, until: null };
const skipOf = (n: number, organization: string, id: string): NewEvent => ({
  type: 'ProjectionEventSkipped',
  id: `skip ${n}`,
  data: { projection: 'contacts', position: '1', stream: contactStream(organization, id), revision: 3, reason: 'ticket 7' },
  metadata: metadata(SERVICE_ORGANIZATION, n, 'operator'),
});

test('what was gone past stands among what happened, by every filter and on every page', async () => {
  const { platform, events } = await openHost(readSettings({ ...testEnvironment, DATA_DIR: temporaryFolder() }));
  for (const [n, id] of [[1, 'c1'], [3, 'c3'], [5, 'c5']] as const) {
    const data = { endpointId: id, endpoint: { url: 'https://example.com', events: [], description: null, ordered: false } };
    await events.commit(`webhook-acme-${id}`, 'none', [{ type: 'WebhookEndpointCreated', id: `made ${n}`, data, metadata: metadata('acme', n, 'ada') }]);
  }
  await events.commit(projectionsStream, 'none', [skipOf(2, 'acme', 'x'), skipOf(4, 'acme', 'y'), skipOf(6, 'other', 'z')]);
  const trail = new AuditTrail(platform.history, events);
  const times = async (filter: Partial<AuditFilter>, organization = 'acme') => (await trail.page(organization, { ...everything, ...filter }, null, 100)).items.map((item) => item.at);
  expect(await times({})).toEqual([5, 4, 3, 2, 1].map(at));
  expect(await times({}, 'other')).toEqual([at(6)]);
  expect(await times({ type: 'ProjectionEventSkipped' })).toEqual([at(4), at(2)]);
  expect(await times({ actor: 'operator', since: at(3) })).toEqual([at(4)]);
  expect(await times({ contactId: 'x' })).toEqual([at(2)]);
  expect(await times({ companyId: 'x' })).toEqual([]);
  const [skipped] = (await trail.page('acme', { ...everything, contactId: 'x' }, null, 1)).items;
  const changes = [{ field: 'projection', from: null, to: 'contacts' }, { field: 'reason', from: null, to: 'ticket 7' }];
  expect(JSON.parse(skipped?.text ?? '')).toEqual({ contactId: 'x', eventId: 'skip 2', type: 'ProjectionEventSkipped', revision: 3, at: at(2), actor: { sub: 'operator' }, requestId: 'r', changes });
  for (const limit of [1, 2, 3]) {
    const paged: string[] = [];
    for (let after: AuditPoint | null = null, more = true; more; ) {
      const page: Awaited<ReturnType<typeof trail.page>> = await trail.page('acme', everything, after, limit);
      paged.push(...page.items.map((item) => item.at));
      more = (after = page.next) !== null;
    }
    expect(paged).toEqual([5, 4, 3, 2, 1].map(at));
  }
  await platform.close();
});
