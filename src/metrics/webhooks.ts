// What is measured of webhooks: how long the queue is, and what came of tries: of all organizations
// together, and of those with the longest queues, and the first hundred that had tries, apart.

import { hash } from 'node:crypto';
import { Counter, Gauge } from 'prom-client';
import type { Clock } from '../ports/clock.js';
import type { Metrics } from './metrics.js';

/** Where it stands; `tries` by organization, null for the rest, counted by what came of them since the start. */
export interface WebhookStatistics {
  queue: { pending: number; oldestAt: Date | null; organizations: { organizationId: string; pending: number }[] };
  tries: ReadonlyMap<string | null, Readonly<Record<string, number>>>;
}

/** Stands for an organization in a label, so that none is named there; whoever knows the id can tell which it is. */
export const pseudonymOf = (organizationId: string): string => hash('sha256', organizationId).slice(0, 12);

/** Measures webhooks whenever it is asked. Statistics that cannot be had leave what was measured before. */
export function measureWebhooks(metrics: Metrics, clock: Clock, statistics: () => Promise<WebhookStatistics>): void {
  const registers = [metrics.registry];
  const pending = new Gauge({ name: 'contacts_webhook_pending', help: 'Deliveries that are not settled', registers });
  const oldest = new Gauge({ name: 'contacts_webhook_oldest_pending_seconds', help: 'How long ago the oldest of them was made', registers });
  const tries = new Counter({ name: 'contacts_webhook_tries_total', help: 'Tries of deliveries by what came of them', labelNames: ['outcome'], registers });
  const labelNames = ['organization'];
  const ofOrganization = new Gauge({ name: 'contacts_webhook_pending_by_organization', help: 'Deliveries that are not settled, of the twenty organizations with most of them', labelNames, registers });
  const triesOf = new Counter({
    name: 'contacts_webhook_tries_by_organization_total',
    help: 'Tries of deliveries by what came of them, of a hundred organizations; `other` are the rest',
    labelNames: [...labelNames, 'outcome'],
    registers,
  });
  metrics.beforeTelling(async () => {
    const now = await statistics().catch(() => null);
    if (now === null) return;
    const { oldestAt } = now.queue;
    pending.set(now.queue.pending);
    oldest.set(oldestAt === null ? 0 : Math.max(0, (clock.now().getTime() - oldestAt.getTime()) / 1_000));
    ofOrganization.reset();
    for (const { organizationId, pending: count } of now.queue.organizations) ofOrganization.set({ organization: pseudonymOf(organizationId) }, count);
    triesOf.reset();
    for (const [organizationId, counts] of now.tries) {
      const organization = organizationId === null ? 'other' : pseudonymOf(organizationId);
      for (const [outcome, count] of Object.entries(counts)) triesOf.inc({ organization, outcome }, count);
    }
    tries.reset();
    for (const [outcome, count] of totals(now.tries)) tries.inc({ outcome }, count);
  });
}

function totals(tries: WebhookStatistics['tries']): Map<string, number> {
  const sums = new Map<string, number>();
  for (const counts of tries.values()) {
    for (const [outcome, count] of Object.entries(counts)) sums.set(outcome, (sums.get(outcome) ?? 0) + count);
  }
  return sums;
}
