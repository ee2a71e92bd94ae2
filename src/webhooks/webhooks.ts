// The webhooks of the service: from the log to receivers in one pipeline, and what is asked of it.

import { defer, from, lastValueFrom, merge, mergeAll, retry, Subject, timer, type Observable } from 'rxjs';
import type { DisabledReason } from '../domain/webhookEndpoint.js';
import { TEST_TOPIC } from '../domain/webhookEndpoint.js';
import type { AlarmClock } from '../ports/clock.js';
import { DELIVERIES_KEPT_MS, type DeliveryPage, type DeliveryQuery, type DeliveryStatus, type LoggedDelivery } from '../ports/deliveryStore.js';
import type { EventLog, Position, StoredEvent } from '../ports/eventLog.js';
import type { EventStore } from '../ports/eventStore.js';
import type { WebhookStores } from '../ports/platform.js';
import type { Replay } from '../ports/replayStore.js';
import type { Vault } from '../ports/vault.js';
import type { EndpointRef } from '../ports/webhookEndpoints.js';
import { Agenda } from './agenda.js';
import { FAILING_MAX_MS, responseContext } from './attempts.js';
import type { Resolve } from './connector.js';
import { deliveryId, Deriver } from './deriver.js';
import { Dispatcher } from './dispatcher.js';
import { Sender } from './exchange.js';
import { Replayer } from './replayer.js';
import { retrySchedule } from './schedule.js';
import { SigningKeys, type SecretSeal } from './signingKeys.js';
import { Subscriber } from './subscriber.js';

/** How long a stop waits for exchanges that are under way, in ms. */
const PATIENCE_MS = 5_000;
const RESUBSCRIBE_AFTER_MS = 500;
const HOUSEKEEPING_EVERY_MS = 3_600_000;
/** How many organizations statistics name. */
const NAMED_ORGANIZATIONS = 20;

export interface WebhooksOptions {
  log: EventLog;
  events: EventStore;
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

export class Webhooks {
  private readonly asked = new Subject<EndpointRef>();
  private readonly stopping = new AbortController();
  private readonly agenda: Agenda;
  private readonly subscriber: Subscriber;
  private readonly replayer: Replayer;
  private readonly dispatcher: Dispatcher;
  private readonly sender: Sender;
  private running: Promise<unknown> = Promise.resolve();
  private stopHousekeeping: () => void = () => undefined;

  constructor(private readonly options: WebhooksOptions) {
    const { log, events, stores, vault, secretSeal, clock, allowPrivate, onError, isSkipped = () => false, pollMs = 60_000 } = options;
    const { endpoints, deliveries, replays } = stores;
    const deriver = () => new Deriver({ log, events, vault, isSkipped });
    this.agenda = new Agenda({ deliveries, clock, pollMs, onError });
    this.subscriber = new Subscriber({ log, events, endpoints, deliveries, deriver: deriver(), clock });
    this.replayer = new Replayer({ log, deliveries, replays, deriver: deriver(), clock, onError });
    this.sender = new Sender({ allowPrivate, ...given('resolve', options.resolve), ...given('exchangeMs', options.exchangeMs) });
    this.dispatcher = new Dispatcher({
      deliveries,
      endpoints,
      vault,
      keys: new SigningKeys(endpoints, vault, secretSeal),
      sender: this.sender,
      clock,
      schedule: retrySchedule(options.schedule),
      allowPrivate,
      random: options.random ?? Math.random,
      disable: options.disable,
      onError,
    });
    this.dispatcher.later.subscribe((later) => this.agenda.note(later));
  }

  /** Starts to derive and to deliver, where it was left off. */
  start(): void {
    const wakes = merge(this.derived(), this.replayed(), this.agenda.due, this.asked);
    this.running = lastValueFrom(wakes.pipe(this.dispatcher.deliver()), { defaultValue: [] }).catch(this.options.onError);
    this.agenda.start();
    this.keepHouse();
  }

  /** Stops to take anything up, and waits for what is under way. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.stopHousekeeping();
    this.replayer.nudge();
    this.dispatcher.stop(PATIENCE_MS);
    this.agenda.stop();
    this.asked.complete();
    await this.running;
    await this.sender.close();
  }

  /** That an endpoint changed. */
  nudge(ref: EndpointRef): void {
    this.asked.next(ref);
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
    this.replayer.nudge();
    return (await replays.find(ref, id)) ?? replay;
  }

  findReplay(ref: EndpointRef, id: string): Promise<Replay | null> {
    return this.options.stores.replays.find(ref, id);
  }

  /** Up to where in the log deliveries are derived. */
  get position(): Position | null {
    return this.subscriber.position;
  }

  /** How many deliveries are taken up and not recorded yet. */
  get underWay(): number {
    return this.dispatcher.underWay;
  }

  /** How long the queue is, and what came of tries since the start. */
  async statistics() {
    return { queue: await this.options.stores.deliveries.statistics(NAMED_ORGANIZATIONS), tries: this.dispatcher.tallies.byOrganization };
  }

  /** Endpoints that got deliveries from the log; after a failure it goes on where it was. */
  private derived(): Observable<EndpointRef> {
    const { onError } = this.options;
    return defer(() => from(this.subscriber.run(this.stopping.signal))).pipe(
      retry({ delay: (error) => (onError(error), timer(RESUBSCRIBE_AFTER_MS)) }),
      mergeAll(),
    );
  }

  private replayed(): Observable<EndpointRef> {
    return from(this.replayer.run(this.stopping.signal));
  }

  private async readable(organizationId: string, { attempts, ...delivery }: LoggedDelivery): Promise<LoggedDelivery> {
    const { contactId } = delivery;
    if (contactId === null) return { ...delivery, attempts };
    const subject = { organizationId, id: contactId };
    const open = async (box: Buffer | null) => (box === null ? null : this.options.vault.open(subject, box, responseContext(delivery)));
    return { ...delivery, attempts: await Promise.all(attempts.map(async (one) => ({ ...one, response: await open(one.response) }))) };
  }

  private keepHouse(): void {
    const { clock, onError } = this.options;
    const again = () => {
      this.stopHousekeeping = clock.after(HOUSEKEEPING_EVERY_MS, () => {
        this.sweep().catch(onError);
        again();
      });
    };
    again();
  }

  /** Drops what was kept long enough, and disables endpoints that failed for too long though nothing is tried any more. */
  private async sweep(): Promise<void> {
    const { stores, clock, disable } = this.options;
    const now = clock.now().getTime();
    for (const ref of await stores.endpoints.failing(new Date(now - FAILING_MAX_MS))) {
      await disable(ref, 'failing', { id: ref.endpointId, eventId: null });
    }
    await stores.deliveries.sweep(new Date(now - DELIVERIES_KEPT_MS));
  }
}

/** An option that is there only when it is set. */
function given<Name extends string, Value>(name: Name, value: Value | undefined): { [Key in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [Key in Name]: Value });
}
