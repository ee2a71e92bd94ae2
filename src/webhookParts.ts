// Webhooks as a process has them: the commands that change endpoints, what derives and delivers, and
// the lease by which one copy of the service does that.

import { WebhookCommands, secretContext, secretSubject } from './commands/webhooks.js';
import type { CommandHandler } from './commands/handle.js';
import { systemClock } from './ports/clock.js';
import type { EventStore } from './ports/eventStore.js';
import type { Platform } from './ports/platform.js';
import { UnderLease } from './subscriptions/underLease.js';
import type { WebhooksOptions } from './webhooks/options.js';
import { Webhooks } from './webhooks/webhooks.js';

type Given = 'log' | 'events' | 'index' | 'stores' | 'vault' | 'secretSeal' | 'disable';

export interface WebhookPartsOptions extends Partial<Omit<WebhooksOptions, Given>> {
  platform: Pick<Platform, 'log' | 'eventIndex' | 'vault' | 'leases' | 'webhooks'>;
  events: EventStore;
  handler: CommandHandler;
  /** Names this copy of the service. */
  holder: string;
  onError: (error: unknown) => void;
  allowPrivate: boolean;
}

/** Delivers once `duty` is started. */
export function webhookParts({ platform, events, handler, holder, ...options }: WebhookPartsOptions) {
  const { log, eventIndex: index, vault, leases, webhooks: stores } = platform;
  const commands: WebhookCommands = new WebhookCommands(handler, stores.endpoints, vault, (ref) => webhooks.nudge(ref));
  const webhooks: Webhooks = new Webhooks({
    log,
    events,
    index,
    stores,
    vault,
    secretSeal: { subject: secretSubject, context: secretContext },
    clock: systemClock,
    disable: (ref, reason, cause) => commands.disable(ref, reason, cause),
    schedule: undefined,
    ...options,
  });
  const duty = new UnderLease({ leases, name: 'webhooks', holder, work: webhooks, onError: options.onError });
  return { commands, webhooks, duty };
}
