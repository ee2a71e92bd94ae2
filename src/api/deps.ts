// What the API works with.

import type { Logger } from 'pino';
import type { CommandDeps } from '../commands/deps.js';
import type { WebhookCommands } from '../commands/webhooks.js';
import type { SignedHead } from '../ports/chainStore.js';
import type { DeliveryPage, DeliveryQuery, DeliveryStatus } from '../ports/deliveryStore.js';
import type { HistoryStore } from '../ports/historyStore.js';
import type { AlarmClock } from '../ports/clock.js';
import type { IndexQuery } from '../ports/eventIndex.js';
import type { ReadStore } from '../ports/readStore.js';
import type { Replay } from '../ports/replayStore.js';
import type { EndpointRef, WebhookEndpoints } from '../ports/webhookEndpoints.js';
import type { IdempotencyDeps } from './idempotency.js';
import type { RateLimits } from './middleware/rateLimit.js';
import type { TokenKeys } from './tokenKeys.js';

export interface RouteDeps {
  commands: CommandDeps;
  readStore: ReadStore;
  history: HistoryStore;
  idempotency: IdempotencyDeps;
  webhooks: WebhookDeps;
  feed: EventDesk;
  /** Whether a text is a position of the event log. */
  isPosition: (text: string) => boolean;
  alarms: AlarmClock;
  audit: AuditDeps;
}

export interface AuditDeps {
  /** Up to `limit` entries that meet `filter` after `after` (null: from the newest on), newest first. */
  page: HistoryStore['audit'];
  /** The newest head of an organization's chain in the log; null when there is none. */
  head: (organizationId: string) => Promise<SignedHead | null>;
  /** The public key (PEM) that checks signatures by the key of a fingerprint; null when it is not known any more. */
  publicKey: (fingerprint: string) => string | null;
}

/** A reader's way through an organization's events. */
export interface EventReader {
  /** After which the next one comes. */
  position: string | null;
  /** The next events of these types as Server-Sent Events, up to about `maxBytes`, and the last event looked at. */
  next(types: readonly string[], maxBytes: number): Promise<{ bytes: Uint8Array; position: string | null }>;
  /** Waits for more, or until it is closed. */
  grown(): Promise<void>;
  close(): void;
}

/** The published events of organizations. */
export interface EventDesk {
  /** Aborts when the service stops. */
  stopped: AbortSignal;
  /** Events as the items of a JSON array, and the last one looked at. */
  read(organizationId: string, query: IndexQuery): Promise<{ content: Uint8Array; position: string | null }>;
  follow(organizationId: string, after: string | null): EventReader;
  /** Whether the event log goes as far as a position. */
  reaches(position: string): Promise<boolean>;
}

export interface WebhookDeps {
  commands: WebhookCommands;
  endpoints: WebhookEndpoints;
  deliveries: DeliveryDesk;
  /** Why no webhook may go to a URL; null when one may. */
  urlIssue: (url: string) => string | null;
}

/** What can be asked of an endpoint's deliveries. Ids are the caller's: the same again is the same. */
export interface DeliveryDesk {
  /** The log, answers of receivers readable. */
  list(ref: EndpointRef, query: DeliveryQuery): Promise<DeliveryPage>;
  /** Asks for a test delivery; returns its id. */
  test(ref: EndpointRef, eventId: string): Promise<string>;
  /** Has a delivery tried again; returns how it stands, null when there is none. */
  retry(ref: EndpointRef, id: string): Promise<DeliveryStatus | null>;
  /** Has the events of a range of time sent again. */
  replay(ref: EndpointRef, id: string, range: Pick<Replay, 'since' | 'until' | 'topics'>): Promise<Replay>;
  findReplay(ref: EndpointRef, id: string): Promise<Replay | null>;
}

export interface ApiDeps extends RouteDeps {
  logger: Logger;
  tokens: { keys: TokenKeys; issuer: string | undefined; audience: string | undefined };
  limits: RateLimits;
  trustProxy: boolean;
  /** Origins that browsers may call from; undefined: none. */
  corsOrigins: string[] | undefined;
  metrics: {
    /** What is told how long each of these requests took. */
    requests: (kind: { method: string; route: string | undefined; status: number }) => (seconds: number) => void;
    /** All that is measured, in the text format of Prometheus. */
    text: () => Promise<string>;
    contentType: string;
  };
  health: {
    /** What keeps the service from doing all of its work now, a line each; none: nothing does. */
    problems: () => Promise<string[]>;
    /** Whether it is shutting down, so that connections should go elsewhere. */
    stopping: () => boolean;
  };
}
