// Delivers: takes up what is ready, posts it, signed, and records what came of it. Endpoints are
// worked on side by side, each with few exchanges at a time, so that none takes anything from others.

import { concatAll, debounceTime, filter, groupBy, mergeMap, Subject, type Observable, type OperatorFunction } from 'rxjs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DisabledReason } from '../domain/webhookEndpoint.js';
import type { AlarmClock } from '../ports/clock.js';
import type { DeliveryStore, DueDelivery } from '../ports/deliveryStore.js';
import type { EndpointRef, WebhookEndpoints } from '../ports/webhookEndpoints.js';
import type { Vault } from '../ports/vault.js';
import { Attempts, type Settled } from './attempts.js';
import type { Bodies } from './bodies.js';
import { BrokenOffError, type Sender } from './exchange.js';
import { IN_FLIGHT_PER_ENDPOINT, Lane } from './lane.js';
import { inBatches, whenIdle } from './operators.js';
import type { SigningKeys } from './signingKeys.js';
import { Slots } from './slots.js';
import type { Tallies } from './tallies.js';

/** After how long without work an endpoint's part of the pipeline is taken down, in ms. */
const QUIET_MS = 60_000;
/** For how long outcomes are gathered before they are recorded together, in ms: each record is a sync to disk. */
const GATHER_MS = 10;
const STORE_RETRY_MS = 500;

export interface DispatcherDeps {
  deliveries: DeliveryStore;
  endpoints: WebhookEndpoints;
  vault: Vault;
  bodies: Bodies;
  keys: SigningKeys;
  sender: Sender;
  clock: AlarmClock;
  /** Seconds between tries. */
  schedule: readonly number[];
  allowPrivate: boolean;
  /** In [0, 1). */
  random: () => number;
  tallies: Tallies;
  /** Disables an endpoint; `cause` is the delivery that settled it. */
  disable: (ref: EndpointRef, reason: DisabledReason, cause: { id: string; eventId: string | null }) => Promise<void>;
  onError: (error: unknown) => void;
}

export class Dispatcher {
  /** Endpoints that may have more to do, and from when on. */
  readonly later = new Subject<EndpointRef & { at: Date }>();
  private readonly lanes = new Map<string, Lane>();
  private readonly slots = new Slots();
  private readonly attempts: Attempts;
  private brokenOff = false;
  private stopping = false;

  constructor(private readonly deps: DispatcherDeps) {
    this.attempts = new Attempts(deps);
  }

  /** How many deliveries are taken up and not recorded yet. */
  get underWay(): number {
    return [...this.lanes.values()].reduce((sum, { taken }) => sum + taken.size, 0);
  }

  /** From endpoints that may have something ready to all that was recorded of it. */
  deliver(): OperatorFunction<EndpointRef, Settled[]> {
    return (wakes: Observable<EndpointRef>) =>
      wakes.pipe(
        groupBy(({ endpointId }) => endpointId, { duration: (one) => one.pipe(debounceTime(QUIET_MS), filter(({ endpointId }) => this.letGo(endpointId))) }),
        mergeMap((endpoint) =>
          endpoint.pipe(
            whenIdle((ref) => this.take(ref)),
            concatAll(),
            mergeMap((delivery) => this.attempt(delivery), IN_FLIGHT_PER_ENDPOINT),
          ),
        ),
        filter((settled) => settled !== null),
        inBatches((settled) => this.record(settled), GATHER_MS),
      );
  }

  /** Takes nothing more up; what is under way is let go of after `patienceMs`. */
  stop(patienceMs: number): void {
    this.stopping = true;
    setTimeout(() => {
      this.brokenOff = true;
      this.deps.sender.breakOff();
    }, patienceMs).unref();
  }

  /** Takes up deliveries of an endpoint that are ready, as many as there is room for. */
  private async take(ref: EndpointRef): Promise<DueDelivery[]> {
    const { deliveries, endpoints, keys, clock, onError } = this.deps;
    const lane = this.laneOf(ref);
    try {
      lane.show(await endpoints.find(ref), await keys.of(ref));
      const now = clock.now();
      const pausedUntil = lane.pausedUntil(now);
      if (this.stopping || !lane.enabled || lane.room === 0) return [];
      if (pausedUntil !== null) {
        this.later.next({ ...ref, at: pausedUntil });
        return [];
      }
      // What is taken now may be recorded, and so ready no longer, by the time the answer is looked at.
      const before = new Set(lane.taken);
      const due = await deliveries.due(ref, now, lane.room + before.size);
      const taken = due.filter(({ id }) => !before.has(id)).slice(0, lane.room);
      for (const { id } of taken) lane.taken.add(id);
      return taken;
    } catch (error) {
      onError(error);
      this.later.next({ ...ref, at: new Date(clock.now().getTime() + STORE_RETRY_MS) });
      return [];
    }
  }

  /** Tries one delivery; null when nothing came of it that is to be recorded, and it stays as it is. */
  private async attempt(delivery: DueDelivery): Promise<Settled | null> {
    const lane = this.laneOf(delivery);
    const { organizationId, endpointId, id } = delivery;
    try {
      return await this.slots.use(organizationId, lane.suspect, async () => {
        // What was taken up before it began to fail, or asked to be left alone, is taken up again.
        const isTried = !this.stopping && lane.enabled && !(lane.suspect && lane.inFlight > 0) && lane.pausedUntil(this.deps.clock.now()) === null;
        if (isTried) return this.exchange(lane, delivery);
        lane.taken.delete(id);
        return null;
      });
    } catch (error) {
      lane.taken.delete(id);
      if (error instanceof BrokenOffError) return null;
      this.deps.onError(error);
      this.later.next({ organizationId, endpointId, at: new Date(this.deps.clock.now().getTime() + STORE_RETRY_MS) });
      return null;
    }
  }

  private async exchange(lane: Lane, delivery: DueDelivery): Promise<Settled> {
    lane.inFlight += 1;
    try {
      return await this.attempts.make(lane, delivery);
    } finally {
      lane.inFlight -= 1;
    }
  }

  /** Records what came of tries, as long as it takes: unrecorded, a delivery would be made again. */
  private async record(settled: Settled[]): Promise<Settled[]> {
    const { deliveries, clock, onError } = this.deps;
    for (;;) {
      try {
        await deliveries.record(settled.map(({ outcome }) => outcome), clock.now());
        break;
      } catch (error) {
        onError(error);
        if (this.brokenOff) return [];
        await sleep(STORE_RETRY_MS);
      }
    }
    const now = clock.now();
    const freed = new Map<string, EndpointRef>();
    for (const { outcome, eventId, disable } of settled) {
      const { organizationId, endpointId, id, next } = outcome;
      const ref = { organizationId, endpointId };
      this.laneOf(ref).taken.delete(id);
      freed.set(endpointId, ref);
      if (next.status === 'pending') this.later.next({ ...ref, at: next.at });
      if (disable !== null) await this.deps.disable(ref, disable, { id, eventId }).catch(onError);
    }
    for (const ref of freed.values()) this.later.next({ ...ref, at: now });
    return settled;
  }

  /** Forgets an endpoint of which nothing is under way. @returns whether nothing was */
  private letGo(endpointId: string): boolean {
    if ((this.lanes.get(endpointId)?.taken.size ?? 0) > 0) return false;
    this.lanes.delete(endpointId);
    return true;
  }

  private laneOf(ref: EndpointRef): Lane {
    const known = this.lanes.get(ref.endpointId);
    if (known !== undefined) return known;
    const lane = new Lane(this.deps.allowPrivate);
    this.lanes.set(ref.endpointId, lane);
    return lane;
  }
}
