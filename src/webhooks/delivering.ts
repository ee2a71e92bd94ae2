// From the log to receivers in one pipeline, for as long as this copy of the service is the one that
// delivers.

import { setTimeout as sleep } from 'node:timers/promises';
import { defer, from, lastValueFrom, merge, mergeAll, retry, Subject, timer, type Observable } from 'rxjs';
import { DELIVERIES_KEPT_MS } from '../ports/deliveryStore.js';
import type { Position } from '../ports/eventLog.js';
import type { EndpointRef } from '../ports/webhookEndpoints.js';
import { Agenda } from './agenda.js';
import { FAILING_MAX_MS } from './attempts.js';
import { Bodies } from './bodies.js';
import { Deriver } from './deriver.js';
import { Dispatcher } from './dispatcher.js';
import { Sender } from './exchange.js';
import type { WebhooksOptions } from './options.js';
import { Replayer } from './replayer.js';
import { retrySchedule } from './schedule.js';
import { SigningKeys } from './signingKeys.js';
import { Subscriber, type SubscriberDeps } from './subscriber.js';
import type { Tallies } from './tallies.js';

/** How long a stop waits for exchanges that are under way, in ms. */
const PATIENCE_MS = 5_000;
const RESUBSCRIBE_AFTER_MS = 500;
const RECOVER_AGAIN_AFTER_MS = 500;
const HOUSEKEEPING_EVERY_MS = 3_600_000;

export class Delivering {
  readonly replayer: Replayer;
  private readonly asked = new Subject<EndpointRef>();
  private readonly stopping = new AbortController();
  private readonly agenda: Agenda;
  private readonly subscriber: Subscriber;
  private readonly dispatcher: Dispatcher;
  private readonly sender: Sender;
  private readonly running: Promise<unknown>;
  private stopHousekeeping: () => void = () => undefined;

  /** Starts where it was left off. */
  constructor(
    private readonly options: WebhooksOptions,
    tallies: Tallies,
  ) {
    const { log, events, index, stores, vault, secretSeal, clock, allowPrivate, onError, isSkipped = () => false, pollMs = 60_000 } = options;
    const { endpoints, deliveries, replays } = stores;
    const bodies = new Bodies();
    const deriver = () => new Deriver({ log, events, vault, isSkipped });
    const [following, replaying] = [deriver(), deriver()];
    const forget: SubscriberDeps['forget'] = (contact) => [bodies.drop(contact), following.forget(contact), replaying.forget(contact)];
    this.agenda = new Agenda({ deliveries, clock, pollMs, onError });
    this.subscriber = new Subscriber({ log, events, endpoints, deliveries, deriver: following, bodies, forget, clock });
    this.replayer = new Replayer({ index, deliveries, replays, deriver: replaying, clock, onError });
    this.sender = new Sender({ allowPrivate, ...given('resolve', options.resolve), ...given('exchangeMs', options.exchangeMs) });
    const keys = new SigningKeys(endpoints, vault, secretSeal);
    const { disable, random = Math.random } = options;
    const schedule = retrySchedule(options.schedule);
    this.dispatcher = new Dispatcher({ deliveries, endpoints, vault, bodies, keys, sender: this.sender, clock, schedule, allowPrivate, random, disable, onError, tallies });
    this.dispatcher.later.subscribe((later) => this.agenda.note(later));
    this.running = this.run();
  }

  /** Up to where in the log deliveries are derived. */
  get position(): Position | null {
    return this.subscriber.position;
  }

  /** How many deliveries are taken up and not recorded yet. */
  get underWay(): number {
    return this.dispatcher.underWay;
  }

  /** That an endpoint may have something to send. */
  nudge(ref: EndpointRef): void {
    this.asked.next(ref);
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

  private async run(): Promise<void> {
    const { onError } = this.options;
    const wakes = merge(this.derived(), this.replayed(), this.agenda.due, this.asked);
    const delivered = lastValueFrom(wakes.pipe(this.dispatcher.deliver()), { defaultValue: [] });
    this.agenda.start();
    this.keepHouse();
    await Promise.all([delivered.catch(onError), this.recover()]);
  }

  /** Has ready what whoever delivered before left waiting behind nothing; as long as it takes: nothing else would find it. */
  private async recover(): Promise<void> {
    const { stores, clock, onError } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await stores.deliveries.recover(clock.now());
        return this.agenda.start();
      } catch (error) {
        onError(error);
        await sleep(RECOVER_AGAIN_AFTER_MS, undefined, { signal }).catch(() => undefined);
      }
    }
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

  private keepHouse(): void {
    const { clock, onError } = this.options;
    if (this.stopping.signal.aborted) return;
    this.stopHousekeeping = clock.after(HOUSEKEEPING_EVERY_MS, () => {
      this.sweep().catch(onError);
      this.keepHouse();
    });
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
