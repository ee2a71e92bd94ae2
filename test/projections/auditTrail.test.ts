// The audit with what operators had gone past, page after page.

import { expect, test } from '@jest/globals';
import type { AuditFilter, AuditItem, AuditPoint, HistoryStore } from '../../src/ports/historyStore.js';
import type { EventStore } from '../../src/ports/eventStore.js';
import { AuditTrail } from '../../src/projections/auditTrail.js';
import { newestFirst } from '../../src/domain/history.js';

const at = (second: number) => `2025-01-01T00:00:0${second}.000Z`;
const told = [6, 5, 2, 1].map((second): AuditItem => ({ at: at(second), id: `told${second}`, revision: 0, text: '' }));
const skip = (second: number) => ({
  id: `skip${second}`,
  type: 'ProjectionEventSkipped',
  data: { stream: 'contact-acme-0198c6a2-7d3e-7b11-9a52-3f0c6f0e4d21', projection: 'contacts', reason: 'damaged', revision: 1 },
  metadata: { occurredAt: at(second), actor: { sub: 'operator' }, requestId: 'r', organizationId: null },
});

/** A store whose pages hold two entries at most, as when they are large. */
const history = {
  audit: async (_organization: string, _filter: AuditFilter, after: AuditPoint | null, limit: number) => {
    const left = told.filter((item) => after === null || newestFirst(item, after) > 0);
    const items = left.slice(0, Math.min(2, limit));
    return { items, next: left.length > items.length ? (items.at(-1) ?? null) : null };
  },
} as unknown as HistoryStore;

const events = {
  read: async function* () {
    yield [skip(7), skip(4), skip(3), skip(0)];
  },
} as unknown as EventStore;

test.each([1, 2, 3, 100])('everything is told once and in order, also where pages hold fewer than the %i asked for', async (limit) => {
  const none: AuditFilter = { actor: null, type: null, contactId: null, companyId: null, since: null, until: null };
  const given: string[] = [];
  for (let after: AuditPoint | null = null; ; ) {
    const { items, next } = await new AuditTrail(history, events).page('acme', none, after, limit);
    given.push(...items.map(({ id }) => id));
    if (next === null) break;
    after = next;
  }
  expect(given).toEqual(['skip7', 'told6', 'told5', 'skip4', 'skip3', 'told2', 'told1', 'skip0']);
});
