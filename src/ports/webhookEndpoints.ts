// The webhook endpoints as they stand, by organization, and the secrets they are signed with. An
// endpoint is shown here by whoever appended its event, and again by the webhook subscription.

import type { WebhookEndpoint } from '../domain/webhookEndpoint.js';
import type { Position } from './eventLog.js';

/** Names an endpoint. */
export interface EndpointRef {
  organizationId: string;
  endpointId: string;
}

/** What an endpoint's answers say of it. */
export interface EndpointHealth {
  /** When the first failure after its last success was; null when there was none. */
  failingSince: Date | null;
  /** Until when it asked to be left alone; null when it did not. */
  pausedUntil: Date | null;
}

export interface RegisteredEndpoint {
  endpoint: WebhookEndpoint;
  /** Of its stream. */
  revision: number;
  /** Every event up to here is dealt with, whatever becomes of subscription and deliveries. */
  highWater: Position;
  health: EndpointHealth;
}

/** A secret, sealed; the newest one signs without end. */
export interface StoredSecret {
  /** Of the event that made it. */
  eventId: string;
  box: Buffer;
  /** When it stops to sign; null for the newest. */
  until: Date | null;
}

export interface WebhookEndpoints {
  /** The organization's endpoints, oldest first. */
  list(organizationId: string): Promise<RegisteredEndpoint[]>;
  /** The endpoint; null when there is none (any more). */
  find(ref: EndpointRef): Promise<RegisteredEndpoint | null>;
  /**
   * Shows `endpoint` as of `revision`, unless a newer one is shown. `created` is the position of its
   * first event, where its deliveries begin; without it, an endpoint that is not shown yet is left alone.
   */
  put(endpoint: WebhookEndpoint, revision: number, created: Position | null): Promise<void>;
  /** Takes the endpoint out as of `revision`, its secrets with it; an older `put` brings nothing back. */
  remove(ref: EndpointRef, revision: number): Promise<void>;
  /** The enabled endpoints that have been failing, without a success, since `before` or longer. */
  failing(before: Date): Promise<EndpointRef[]>;
  /** Keeps a secret, durably, and has those before it sign until `overlapUntil`; the one of the same event, if there is one, stands. */
  addSecret(ref: EndpointRef, secret: Omit<StoredSecret, 'until'>, overlapUntil: Date): Promise<StoredSecret>;
  /** The secrets, newest first. */
  secrets(ref: EndpointRef): Promise<StoredSecret[]>;
}
