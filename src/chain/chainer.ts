// Sees to it that each organization's events are chained: where the store does not link them as it
// stores them, it follows the log and does. Now and then it has the end of a chain signed into the
// log. Writers wait for none of it.

import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { ChainEnd, ChainStore, Linker } from '../ports/chainStore.js';
import type { Clock } from '../ports/clock.js';
import type { EventBatch, EventLog, Position } from '../ports/eventLog.js';
import { isHead, type HeadSigner } from './headSigner.js';

/** A head is appended after so many events of an organization, or when its first uncovered event is so old, in ms. */
export const HEAD_EVERY = { events: 1_000, ms: 60_000 };
const LOOK_EVERY_MS = 1_000;
const LOOK_AGAIN_MS = 2_000;
const SIGNED_AT_A_TIME = 100;
const REMEMBERED = 10_000;
/** How long a stop may take to chain what was stored until then, in ms. */
const DRAIN_MS = 5_000;
const DRAINED_AT_A_TIME = 500;

export interface ChainerDeps {
  log: EventLog;
  chain: ChainStore;
  linker: Linker;
  signer: HeadSigner;
  clock: Clock;
  onError: (error: unknown) => void;
  headEvery?: typeof HEAD_EVERY;
}

export class Chainer {
  private readonly known = new LRUCache<string, ChainEnd>({ max: REMEMBERED });
  /** How many events of organizations no head was asked for as yet. */
  private readonly uncovered = new LRUCache<string, number>({ max: REMEMBERED });
  private reached: Position | null = null;
  private links = 0;

  constructor(private readonly deps: ChainerDeps) {}

  /** How far the log is chained; null until it knows. */
  async position(): Promise<Position | null> {
    return this.deps.chain.linksAtOnce ? this.deps.log.head() : this.reached;
  }

  /** Goes on from the last link until `signal` aborts; what is stored by then is chained, too. @throws UnavailableError */
  async run(signal: AbortSignal): Promise<void> {
    const { chain } = this.deps;
    this.known.clear();
    const { position, links } = await chain.checkpoint();
    this.reached = position;
    this.links = links;
    if (position !== null && !(await this.untilReached(position, signal))) return;
    await this.lookForStrangers();
    const failed = new AbortController();
    const working = AbortSignal.any([signal, failed.signal]);
    const parts = [this.follow(working), this.signWhatIsDue(working)].map((part) => part.finally(() => failed.abort()));
    await Promise.allSettled(parts);
    await Promise.all(parts);
    if (!chain.linksAtOnce) await this.drain();
  }

  /**
   * Waits while the log ends before what was chained: a node of a cluster may not know yet that
   * another leads it. Returns whether it does no longer; else `signal` aborted.
   */
  private async untilReached(position: Position, signal: AbortSignal): Promise<boolean> {
    const { log, onError } = this.deps;
    for (let told = false; !(await log.reaches(position)); told = true) {
      if (!told) onError(new Error('the log ends before the last event that was chained: run contacts verify --audit'));
      await sleep(LOOK_AGAIN_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return false;
    }
    return true;
  }

  private async follow(signal: AbortSignal): Promise<void> {
    for await (const batch of this.deps.log.subscribe(this.reached, signal)) {
      if (signal.aborted) return;
      await this.take(batch);
      await this.signWhatIsLong(batch);
    }
  }

  /** Links a batch, where the store has not. */
  private async take(batch: EventBatch): Promise<void> {
    const { chain, linker } = this.deps;
    const { events, position: to } = batch;
    if (events.length === 0 || chain.linksAtOnce) return;
    const ends = await this.endsOf(batch);
    const step = linker.step({ from: this.reached, to, events, links: this.links }, (organizationId) => ends.get(organizationId) as ChainEnd);
    if (!(await chain.append(step))) throw new Error('another copy of the service is chaining events');
    for (const end of step.ends) this.known.set(end.organizationId, end);
    this.reached = to;
    this.links += step.links.length;
  }

  private async endsOf({ events }: EventBatch): Promise<Map<string, ChainEnd>> {
    const { chain, linker } = this.deps;
    const ends = new Map<string, ChainEnd>();
    for (const organizationId of new Set(events.map(({ metadata }) => metadata.organizationId))) {
      ends.set(organizationId, this.known.get(organizationId) ?? linker.trusted(organizationId, await chain.end(organizationId)));
    }
    return ends;
  }

  /** Chains what was stored until now, when the work ends. Another copy may be doing it already. */
  private async drain(): Promise<void> {
    const until = performance.now() + DRAIN_MS;
    for (let caughtUp = false; !caughtUp && performance.now() < until; ) {
      const batch = await this.deps.log.readAll(this.reached, DRAINED_AT_A_TIME);
      await this.take(batch);
      ({ caughtUp } = batch);
    }
  }

  private async lookForStrangers(): Promise<void> {
    const event = await this.deps.chain.stranger();
    if (event === null) return;
    const { position, stream, type } = event;
    this.deps.onError(new Error(`${type} of ${stream} at position ${position} was not stored by this service: run contacts verify --audit`));
  }

  private async signWhatIsLong({ events }: EventBatch): Promise<void> {
    const { chain, signer, headEvery = HEAD_EVERY } = this.deps;
    for (const event of events) {
      const { organizationId } = event.metadata;
      this.uncovered.set(organizationId, (this.uncovered.get(organizationId) ?? 0) + (isHead(event) ? 0 : 1));
    }
    for (const organizationId of new Set(events.map(({ metadata }) => metadata.organizationId))) {
      if ((this.uncovered.get(organizationId) ?? 0) < headEvery.events) continue;
      const end = await chain.end(organizationId);
      if (end !== null) await signer.append(end);
      this.uncovered.delete(organizationId);
    }
  }

  private async signWhatIsDue(signal: AbortSignal): Promise<void> {
    const { chain, clock, signer, headEvery = HEAD_EVERY } = this.deps;
    while (!signal.aborted) {
      const before = new Date(clock.now().getTime() - headEvery.ms);
      for (const end of await chain.due(before, SIGNED_AT_A_TIME)) await signer.append(end);
      await sleep(Math.min(LOOK_EVERY_MS, headEvery.ms), undefined, { signal }).catch(() => undefined);
    }
  }
}
