// What the webhooks of a service are made with.

import type { DisabledReason } from '../domain/webhookEndpoint.js';
import type { AlarmClock } from '../ports/clock.js';
import type { EventIndex } from '../ports/eventIndex.js';
import type { EventLog, StoredEvent } from '../ports/eventLog.js';
import type { EventStore } from '../ports/eventStore.js';
import type { WebhookStores } from '../ports/platform.js';
import type { Vault } from '../ports/vault.js';
import type { EndpointRef } from '../ports/webhookEndpoints.js';
import type { Resolve } from './connector.js';
import type { SecretSeal } from './signingKeys.js';

export interface WebhooksOptions {
  log: EventLog;
  events: EventStore;
  index: EventIndex;
  stores: WebhookStores;
  vault: Vault;
  secretSeal: SecretSeal;
  clock: AlarmClock;
  /** Whether an operator had the service go past an event. */
  isSkipped?: (event: StoredEvent) => boolean;
  disable: (ref: EndpointRef, reason: DisabledReason, cause: { id: string; eventId: string | null }) => Promise<void>;
  onError: (error: unknown) => void;
  /** Seconds between tries; undefined: the Standard Webhooks schedule. */
  schedule: readonly number[] | undefined;
  /** Whether webhooks may go to private addresses and by http. */
  allowPrivate: boolean;
  /** For tests: see there. */
  exchangeMs?: number;
  resolve?: Resolve;
  random?: () => number;
  pollMs?: number;
}
