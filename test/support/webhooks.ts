// Webhooks over an embedded store, without the API, their time under the test's control.

import { randomUUID } from 'node:crypto';
import { CommandHandler, type CommandContext } from '../../src/commands/handle.js';
import { emptyFields } from '../../src/domain/entity.js';
import type { DomainEvent } from '../../src/domain/events/registry.js';
import { webhookTopics } from '../../src/domain/events/webhookEvents.js';
import { contactStream } from '../../src/domain/streams.js';
import { readSettings } from '../../src/config.js';
import { openHost } from '../../src/host.js';
import type { LoggedDelivery } from '../../src/ports/deliveryStore.js';
import { webhookParts } from '../../src/webhookParts.js';
import type { WebhooksOptions } from '../../src/webhooks/options.js';
import { ManualClock } from './clock.js';
import { temporaryFolder } from './folder.js';
import { until } from './receiver.js';
import { testEnvironment } from './service.js';

export interface EndpointSaid {
  url: string;
  events?: (typeof webhookTopics)[number][];
  ordered?: boolean;
  organizationId?: string;
}

/** Opens webhooks that are not started yet. */
export async function openWebhooks(options: Partial<WebhooksOptions> = {}, clock = new ManualClock(), dataDir = temporaryFolder()) {
  const { platform, events } = await openHost(readSettings({ ...testEnvironment, DATA_DIR: dataDir }));
  const { log, webhooks: stores } = platform;
  const errors: unknown[] = [];
  const handler = new CommandHandler(events, clock, { next: () => randomUUID() });
  const { commands, webhooks, duty } = webhookParts({
    platform,
    events,
    handler,
    holder: 'this',
    clock,
    onError: (error) => errors.push(error),
    allowPrivate: true,
    random: () => 0,
    pollMs: 24 * 3_600_000,
    ...options,
  });
  const context = (organizationId = 'acme'): CommandContext => {
    const requestId = randomUUID();
    return { organizationId, actor: { sub: 'tester' }, requestId, correlationId: requestId, causationId: null };
  };
  const revisions = new Map<string, number>();
  return {
    platform,
    stores,
    commands,
    webhooks,
    /** Begins to deliver. */
    start: () => duty.start(),
    clock,
    /** What went wrong in the background. */
    errors,
    context,
    async endpoint({ organizationId = 'acme', ...said }: EndpointSaid) {
      const outcome = await commands.create(context(organizationId), { events: [...webhookTopics], description: null, ordered: false, ...said });
      if (!outcome.done || outcome.state.phase !== 'live') throw new Error('no endpoint');
      return { organizationId, endpointId: outcome.state.endpoint.id, secret: outcome.secret };
    },
    /** Appends events to a contact's stream as one request. */
    async happens(contactId: string, happened: readonly DomainEvent[], organizationId = 'acme') {
      const stream = contactStream(organizationId, contactId);
      const revision = revisions.get(stream) ?? -1;
      const metadata = { ...context(organizationId), occurredAt: clock.now().toISOString(), schemaVersion: 1 };
      const result = await events.commit(stream, revision === -1 ? 'none' : revision, happened.map((event) => ({ ...event, id: randomUUID(), metadata })));
      if (result.outcome === 'appended') revisions.set(stream, result.revision);
    },
    deliveries: async (ref: { organizationId: string; endpointId: string }): Promise<LoggedDelivery[]> =>
      (await webhooks.list(ref, { status: null, limit: 1_000, after: null })).items.reverse(),
    /** Waits until all that was appended is derived and nothing is under way. */
    async settled(): Promise<void> {
      await until(async () => log.compare(webhooks.position, await log.head()) >= 0, 'the subscriber', 30_000);
      await until(async () => {
        const agenda = await stores.deliveries.agenda();
        return webhooks.underWay === 0 && agenda.every(({ at }) => at > clock.now());
      }, 'the dispatcher', 30_000);
    },
    async stop(): Promise<void> {
      await duty.stop();
      await platform.close();
    },
    dataDir,
  };
}

export type OpenedWebhooks = Awaited<ReturnType<typeof openWebhooks>>;

export const created = (contactId: string, name = 'Ada'): DomainEvent => ({ type: 'ContactCreated', data: { contactId, contact: emptyFields(name) } });

export const renamed = (contactId: string, name: string): DomainEvent => ({ type: 'ContactUpdated', data: { contactId, changes: { name } } });

export const deleted = (contactId: string): DomainEvent => ({ type: 'ContactDeleted', data: { contactId } });
