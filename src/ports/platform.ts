// A platform: every port on one kind of storage, or on several that fit together.

import type { Backup } from './backup.js';
import type { ChainStore } from './chainStore.js';
import type { Checkpoints } from './checkpoints.js';
import type { Commit } from './commit.js';
import type { Counters } from './counterStore.js';
import type { DeliveryStore } from './deliveryStore.js';
import type { EventLog } from './eventLog.js';
import type { HistoryStore } from './historyStore.js';
import type { EventIndex } from './eventIndex.js';
import type { EventPages } from './eventPages.js';
import type { IdempotencyStore } from './idempotencyStore.js';
import type { KeyStore } from './keyStore.js';
import type { Leases } from './leases.js';
import type { ProjectionChecks } from './projectionChecks.js';
import type { ProjectionStore, ReadStore } from './readStore.js';
import type { MakeAppends } from './readyAppends.js';
import type { MakeReady } from './readySteps.js';
import type { ReplayStore } from './replayStore.js';
import type { Vault } from './vault.js';
import type { WebhookEndpoints } from './webhookEndpoints.js';

/** What webhooks are kept in. */
export interface WebhookStores {
  endpoints: WebhookEndpoints;
  deliveries: DeliveryStore;
  replays: ReplayStore;
}

export interface Platform {
  log: EventLog;
  /** Appends, and shows what was appended in the read models, in one step; null: log and read models are two stores. */
  commit: Commit | null;
  keys: KeyStore;
  readStore: ReadStore;
  history: HistoryStore;
  projectionStore: ProjectionStore;
  /** Makes steps of a rebuild beside the thread that applies them; null: the platform cannot. */
  makeReady: MakeReady | null;
  /** Makes appends to new streams beside the thread that writes them; null: the platform cannot. */
  makeAppends: MakeAppends | null;
  checks: ProjectionChecks;
  checkpoints: Checkpoints;
  chain: ChainStore;
  idempotency: IdempotencyStore;
  counters: Counters;
  leases: Leases;
  vault: Vault;
  eventIndex: EventIndex;
  /** Where the platform renders pages of events itself, beside the thread that answers requests; null: they are made of the index. */
  eventPages: EventPages | null;
  webhooks: WebhookStores;
  /** Where the platform's own tools do not see to backups. */
  backup?: Backup;
  /**
   * Has what was deleted, or replaced, overwritten in the files as well, in a while: a store keeps
   * such bytes until it needs their room. What was asked for survives a restart. @throws UnavailableError
   */
  scrub(): Promise<void>;
  /** Lets go of everything. Whoever still writes gets an UnavailableError. */
  close(): void | Promise<void>;
}
