// Webhook deliveries: derived from events, durable before they are tried, kept as a log for 30 days.
//
// A *delivery* tells one endpoint of one event under one topic. Its id is made of the three, so that
// deriving it again finds it there. It is *pending* until it is *delivered*, has *failed* for good or
// was *erased* with its contact. A pending one is *ready* from a time on, or *waits* behind an earlier
// one about the same contact to the same endpoint: behind any pending one when the endpoint is
// `ordered`, else behind one that was not tried yet. A *payload* is shared by the deliveries of an
// event under a topic.

import type { Position } from './eventLog.js';
import type { EndpointHealth, EndpointRef } from './webhookEndpoints.js';

/** How long deliveries and their payloads are kept, in ms. */
export const DELIVERIES_KEPT_MS = 30 * 24 * 3_600_000;
/** How many attempts of a delivery are kept: the last ones. */
export const ATTEMPTS_KEPT = 50;

export const deliveryStatuses = ['pending', 'delivered', 'failed', 'erased'] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];

export interface NewDelivery extends EndpointRef {
  /** The `webhook-id`. */
  id: string;
  eventId: string;
  topic: string;
  /** Whom it is about; null for a test. */
  contactId: string | null;
  /** The revision of the contact that the payload shows; null for a test. */
  sequence: number | null;
  /** Whether the contact was erased: it is then kept as that, without a payload, and never sent. */
  erased: boolean;
}

/** The body of every delivery of an event under a topic. */
export interface Payload {
  eventId: string;
  topic: string;
  organizationId: string;
  contactId: string | null;
  /** Sealed with the contact's key when it is about one, else as it is sent. */
  body: Buffer;
}

export interface Attempt {
  at: Date;
  durationMs: number;
  /** The HTTP status; null when there was no answer. */
  status: number | null;
  /** What went wrong; null when nothing did. */
  error: string | null;
  /** The first kilobyte of the answer, sealed as the payload is; null when there was none. */
  response: Buffer | null;
}

/** What a run of events made, to be kept together with how far it goes. */
export interface Derived {
  from: Position | null;
  to: Position;
  deliveries: readonly NewDelivery[];
  payloads: readonly Payload[];
  /** Whose high-water position moves to `to`. */
  considered: readonly EndpointRef[];
}

export interface DueDelivery extends Omit<NewDelivery, 'erased'> {
  /** How often it was tried since it was derived, or asked for again. */
  tries: number;
}

/** What became of a try. */
export interface Outcome extends EndpointRef {
  id: string;
  /** Whom the delivery is about; null for a test. */
  contactId: string | null;
  /** Null when nothing was tried, as the contact was erased. */
  attempt: Attempt | null;
  next: { status: 'delivered' | 'failed' | 'erased' } | { status: 'pending'; at: Date };
  /** The endpoint's health, when it changed. */
  health: EndpointHealth | null;
}

export interface LoggedDelivery {
  id: string;
  eventId: string;
  topic: string;
  contactId: string | null;
  status: DeliveryStatus;
  attempts: Attempt[];
  /** When it is ready; null when it is settled or waits. */
  nextAttemptAt: Date | null;
}

export interface DeliveryQuery {
  status: DeliveryStatus | null;
  limit: number;
  /** After the delivery with this number; null: from the newest on. */
  after: number | null;
}

export interface DeliveryPage {
  items: LoggedDelivery[];
  /** Where the next page begins; null when this is the last one. */
  next: number | null;
}

export interface QueueLength {
  /** Deliveries not settled yet, those of disabled endpoints apart. */
  pending: number;
  /** When the oldest of them was derived; null when there is none. */
  oldestAt: Date | null;
}

/** How long the queue is, and that of the organizations with the longest ones. */
export interface QueueStatistics extends QueueLength {
  organizations: (QueueLength & { organizationId: string })[];
}

export interface DeliveryStore {
  /** Up to where deliveries are derived; null: nothing is. */
  checkpoint(): Promise<Position | null>;
  /**
   * Keeps what a run of events made and moves the checkpoint `from` → `to`, all or nothing; a
   * delivery that is there already stands.
   * @returns whether the checkpoint was at `from`
   */
  derive(derived: Derived, now: Date): Promise<boolean>;
  /** Makes ready what waits behind nothing, as who settled the one before it died; before anything is delivered. */
  recover(now: Date): Promise<void>;
  /** Keeps a delivery that no event made. */
  add(delivery: NewDelivery, payload: Payload, now: Date): Promise<void>;
  /** The enabled endpoints with ready deliveries, and when the first of each can be tried. */
  agenda(): Promise<(EndpointRef & { at: Date })[]>;
  /** Up to `limit` deliveries of an endpoint that are ready, in the order in which they became so, then of their events. */
  due(ref: EndpointRef, now: Date, limit: number): Promise<DueDelivery[]>;
  /** The body of a delivery, as it was kept; null when it is gone, with its contact or with time. */
  payload(delivery: Pick<DueDelivery, 'eventId' | 'topic'>): Promise<Buffer | null>;
  /** Keeps what became of tries, and makes ready what waited behind them. */
  record(outcomes: readonly Outcome[], now: Date): Promise<void>;
  /** Deliveries of an endpoint, newest first. */
  list(ref: EndpointRef, query: DeliveryQuery): Promise<DeliveryPage>;
  /** Makes a delivery pending again, unless it is, or its contact was erased: then `erased`, however it was settled. @returns how it stands now; null when there is none */
  retry(ref: EndpointRef, id: string, now: Date): Promise<DeliveryStatus | null>;
  /** Cancels what is pending about a contact and drops the payloads about it. */
  erase(contact: { organizationId: string; contactId: string }): Promise<void>;
  /** Drops what was last asked for before `before` and is settled, or belongs to an endpoint that is disabled or gone; returns how many deliveries. */
  sweep(before: Date): Promise<number>;
  /** How long the queue is, in all and for up to `limit` organizations. */
  statistics(limit: number): Promise<QueueStatistics>;
  /** How many deliveries of an endpoint are pending; `limit` when there are more. */
  pending(ref: EndpointRef, limit: number): Promise<number>;
}
