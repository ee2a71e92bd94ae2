// Carries out replays: goes through the events of the organization, from about where the range of
// time begins, and derives again what is asked for, a run of one replay after another, never further
// ahead than the endpoint can follow.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../ports/clock.js';
import type { DeliveryStore } from '../ports/deliveryStore.js';
import type { EventIndex } from '../ports/eventIndex.js';
import type { Position, StoredEvent } from '../ports/eventLog.js';
import type { Replay, ReplayStore } from '../ports/replayStore.js';
import type { EndpointRef } from '../ports/webhookEndpoints.js';
import type { DerivedDeliveries, Deriver } from './deriver.js';
import { toldTypes } from './notices.js';

const BATCH = 500;
/** How many batches without a delivery are looked at before how far they went is kept. */
const QUIET_BATCHES = 20;
/** How many deliveries of an endpoint may be pending for its replay to go on. */
export const REPLAY_AHEAD = 2_000;
const WAIT_MS = 500;
/** Events are in order of time but for what copies' clocks differ: none of the range stands this much before its beginning or after its end, in ms. */
const CLOCK_SKEW_MS = 3_600_000;

export interface ReplayerDeps {
  index: EventIndex;
  deliveries: DeliveryStore;
  replays: ReplayStore;
  deriver: Deriver;
  clock: Clock;
  onError: (error: unknown) => void;
}

export class Replayer {
  private wake: () => void = () => undefined;

  constructor(private readonly deps: ReplayerDeps) {}

  /** That there may be a new replay. */
  nudge(): void {
    this.wake();
  }

  /** Works on what replays there are until `signal` aborts; yields endpoints that have deliveries to send again. */
  async *run(signal: AbortSignal): AsyncGenerator<EndpointRef> {
    while (!signal.aborted) {
      const nudged = new Promise<void>((resolve) => (this.wake = resolve));
      let moved = false;
      for (const replay of await this.openReplays()) {
        if (signal.aborted) return;
        if (await this.step(replay).catch(this.deps.onError)) {
          moved = true;
          yield { organizationId: replay.organizationId, endpointId: replay.endpointId };
        }
      }
      if (!moved) await Promise.race([nudged, sleep(WAIT_MS, undefined, { signal, ref: false }).catch(() => undefined)]);
    }
  }

  private async openReplays(): Promise<Replay[]> {
    try {
      return await this.deps.replays.open();
    } catch (error) {
      this.deps.onError(error);
      return [];
    }
  }

  /** Moves one replay on, if its endpoint can follow. @returns whether it moved */
  private async step(replay: Replay): Promise<boolean> {
    const { index, deliveries, replays, clock } = this.deps;
    if ((await deliveries.pending(replay, REPLAY_AHEAD)) >= REPLAY_AHEAD) return false;
    const { organizationId, since, until } = replay;
    let after = replay.position ?? (await index.startOf(new Date(since.getTime() - CLOCK_SKEW_MS)));
    for (let batches = 1; ; batches += 1) {
      const { events, position: last, coveredTo } = await index.read(organizationId, { after, limit: BATCH, types: toldTypes });
      const position = coveredTo ?? last;
      if (position === null) return false;
      const derived = await this.derive(replay, events);
      after = position;
      const done = coveredTo !== null || events.some(({ metadata }) => Date.parse(metadata.occurredAt) > until.getTime() + CLOCK_SKEW_MS);
      if (done || derived.deliveries.length > 0 || batches >= QUIET_BATCHES) {
        return replays.advance(replay, { ...derived, from: replay.position, to: position }, done, clock.now());
      }
    }
  }

  private async derive(replay: Replay, events: readonly StoredEvent[]): Promise<DerivedDeliveries> {
    const { organizationId, endpointId, topics, since, until } = replay;
    const target = { organizationId, endpointId, topics, after: null as Position | null };
    const [from, to] = [since.toISOString(), until.toISOString()];
    const derived = await this.deps.deriver.derive(events, ({ metadata }) => {
      const inRange = metadata.organizationId === organizationId && metadata.occurredAt >= from && metadata.occurredAt < to;
      return inRange ? [target] : [];
    });
    return { ...derived, considered: [] };
  }
}
