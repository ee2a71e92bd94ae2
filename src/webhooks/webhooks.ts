// The webhooks of the service: who delivers, and what is asked of it.

import { once } from 'node:events';
import { TEST_TOPIC } from '../domain/webhookEndpoint.js';
import type { DeliveryPage, DeliveryQuery, DeliveryStatus, LoggedDelivery } from '../ports/deliveryStore.js';
import type { Position } from '../ports/eventLog.js';
import type { Replay } from '../ports/replayStore.js';
import type { EndpointRef } from '../ports/webhookEndpoints.js';
import { responseContext } from './attempts.js';
import { Delivering } from './delivering.js';
import { deliveryId } from './deriver.js';
import type { WebhooksOptions } from './options.js';
import { Tallies } from './tallies.js';

/** How many organizations statistics name. */
const NAMED_ORGANIZATIONS = 20;

export class Webhooks {
  private readonly tallies = new Tallies();
  /** Null while another copy of the service delivers. */
  private delivering: Delivering | null = null;

  constructor(private readonly options: WebhooksOptions) {}

  /**
   * Derives and delivers, from where it was left off, until `signal` aborts; then takes nothing more
   * up, and waits for what is under way.
   */
  async run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const delivering = new Delivering(this.options, this.tallies);
    this.delivering = delivering;
    await once(signal, 'abort');
    await delivering.stop();
    this.delivering = null;
  }

  /** That an endpoint changed. */
  nudge(ref: EndpointRef): void {
    this.delivering?.nudge(ref);
  }

  /** The log of an endpoint's deliveries, answers readable as long as whom they are about is not erased. */
  async list(ref: EndpointRef, query: DeliveryQuery): Promise<DeliveryPage> {
    const { items, next } = await this.options.stores.deliveries.list(ref, query);
    return { items: await Promise.all(items.map((item) => this.readable(ref.organizationId, item))), next };
  }

  /** Asks for a test delivery; the same `eventId` again is the same one. @returns its id */
  async test(ref: EndpointRef, eventId: string): Promise<string> {
    const { organizationId, endpointId } = ref;
    const now = this.options.clock.now();
    const id = deliveryId(eventId, endpointId, TEST_TOPIC);
    const text = JSON.stringify({ event: TEST_TOPIC, timestamp: now.toISOString(), data: { organizationId, webhookId: endpointId } });
    const of = { eventId, topic: TEST_TOPIC, organizationId, contactId: null };
    await this.options.stores.deliveries.add({ ...of, endpointId, id, sequence: null, erased: false }, { ...of, body: Buffer.from(text) }, now);
    this.nudge(ref);
    return id;
  }

  /** Has a delivery tried again. @returns how it stands; null when there is none */
  async retry(ref: EndpointRef, id: string): Promise<DeliveryStatus | null> {
    const status = await this.options.stores.deliveries.retry(ref, id, this.options.clock.now());
    this.nudge(ref);
    return status;
  }

  /** Has the events of a range of time sent again; the same `id` again is the same replay. */
  async replay(ref: EndpointRef, id: string, range: Pick<Replay, 'since' | 'until' | 'topics'>): Promise<Replay> {
    const { replays } = this.options.stores;
    const replay: Replay = { ...ref, ...range, id, position: null, deliveries: 0, done: false };
    await replays.start(replay, this.options.clock.now());
    this.delivering?.replayer.nudge();
    return (await replays.find(ref, id)) ?? replay;
  }

  findReplay(ref: EndpointRef, id: string): Promise<Replay | null> {
    return this.options.stores.replays.find(ref, id);
  }

  /** Up to where in the log deliveries are derived. */
  get position(): Position | null {
    return this.delivering?.position ?? null;
  }

  /** How many deliveries are taken up and not recorded yet. */
  get underWay(): number {
    return this.delivering?.underWay ?? 0;
  }

  /** How long the queue is, and what came of tries since the start. */
  async statistics() {
    return { queue: await this.options.stores.deliveries.statistics(NAMED_ORGANIZATIONS), tries: this.tallies.byOrganization };
  }

  private async readable(organizationId: string, { attempts, ...delivery }: LoggedDelivery): Promise<LoggedDelivery> {
    const { contactId } = delivery;
    if (contactId === null) return { ...delivery, attempts };
    const subject = { organizationId, id: contactId };
    const open = async (box: Buffer | null) => (box === null ? null : this.options.vault.open(subject, box, responseContext(delivery)));
    return { ...delivery, attempts: await Promise.all(attempts.map(async (one) => ({ ...one, response: await open(one.response) }))) };
  }
}
