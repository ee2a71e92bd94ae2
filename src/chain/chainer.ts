// Follows the log and chains each organization's events; now and then it has the end of a chain
// signed into the log. Writers wait for none of it.

import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { ChainEnd, ChainStep, ChainStore, Link } from '../ports/chainStore.js';
import type { Clock } from '../ports/clock.js';
import type { EventBatch, EventLog, Position, StoredEvent } from '../ports/eventLog.js';
import type { HeadKeys } from './headKeys.js';
import { headOf, isHead, type HeadSigner } from './headSigner.js';
import { FIRST_HASH, linkHash } from './links.js';

/** A head is appended after so many events of an organization, or when its first uncovered event is so old, in ms. */
export const HEAD_EVERY = { events: 1_000, ms: 60_000 };
const LOOK_EVERY_MS = 1_000;
const SIGNED_AT_A_TIME = 100;
const REMEMBERED = 10_000;

export interface ChainerDeps {
  log: EventLog;
  chain: ChainStore;
  keys: HeadKeys;
  signer: HeadSigner;
  clock: Clock;
  onError: (error: unknown) => void;
  headEvery?: typeof HEAD_EVERY;
}

export class Chainer {
  private readonly known = new LRUCache<string, ChainEnd>({ max: REMEMBERED });
  /** Up to where heads were appended that may not be chained yet. */
  private readonly asked = new LRUCache<string, number>({ max: REMEMBERED });
  private reached: Position | null = null;
  private links = 0;

  constructor(private readonly deps: ChainerDeps) {}

  /** How far the log is chained; null until it knows. */
  get position(): Position | null {
    return this.reached;
  }

  /** Goes on from the last link until `signal` aborts. @throws UnavailableError */
  async run(signal: AbortSignal): Promise<void> {
    const { log, chain, onError } = this.deps;
    this.known.clear();
    const { position, links } = await chain.checkpoint();
    this.reached = position;
    this.links = links;
    if (position !== null && !(await log.reaches(position))) {
      onError(new Error('the log ends before the last event that was chained: run contacts verify --audit'));
      await pauseUntil(signal);
      return;
    }
    const failed = new AbortController();
    const working = AbortSignal.any([signal, failed.signal]);
    const parts = [this.follow(working), this.signWhatIsDue(working)].map((part) => part.finally(() => failed.abort()));
    await Promise.allSettled(parts);
    await Promise.all(parts);
  }

  private async follow(signal: AbortSignal): Promise<void> {
    const { log, chain } = this.deps;
    for await (const batch of log.subscribe(this.reached, signal)) {
      if (signal.aborted) return;
      if (batch.events.length === 0) continue;
      const step = await this.stepOf(batch);
      if (!(await chain.append(step))) throw new Error('another copy of the service is chaining events');
      for (const end of step.ends) this.known.set(end.organizationId, end);
      this.reached = step.to;
      this.links += step.links.length;
      await this.signWhatIsLong(step.ends);
    }
  }

  private async stepOf({ events, position }: EventBatch): Promise<ChainStep> {
    const ends = new Map<string, ChainEnd>();
    const links: Link[] = [];
    for (const event of events) {
      const { organizationId } = event.metadata;
      const before = ends.get(organizationId) ?? (await this.endOf(organizationId));
      const end = this.advance(before, event);
      ends.set(organizationId, end);
      const { sequence, hash } = end;
      links.push({ number: this.links + links.length + 1, organizationId, sequence, eventId: event.id, position: event.position, hash });
    }
    return { from: this.reached, to: position, links, ends: [...ends.values()].map((end) => this.signed(end)) };
  }

  /** The end of a chain, checked: whoever changed it and its links must not get them signed. */
  private async endOf(organizationId: string): Promise<ChainEnd> {
    const known = this.known.get(organizationId);
    if (known !== undefined) return known;
    const end = await this.deps.chain.end(organizationId);
    if (end === null) return emptyChain(organizationId);
    if (this.deps.keys.check(end) === 'good') return end;
    this.deps.onError(new Error('the end of an audit chain was not signed by this service: run contacts verify --audit'));
    return { ...end, signature: '' };
  }

  private advance(end: ChainEnd, event: StoredEvent): ChainEnd {
    const sequence = end.sequence + 1;
    const next = { ...end, sequence, hash: linkHash(end.hash, sequence, event), position: event.position };
    const now = this.deps.clock.now().getTime();
    if (!isHead(event)) return { ...next, lastEvent: sequence, uncoveredSince: end.uncoveredSince ?? now };
    const covered = Math.max(end.covered, Math.min(headOf(event)?.sequence ?? 0, end.sequence));
    return { ...next, covered, uncoveredSince: end.lastEvent > covered ? now : null };
  }

  private signed(end: ChainEnd): ChainEnd {
    if (end.signature === '') return end;
    return { ...end, ...this.deps.keys.sign({ ...end, at: this.deps.clock.now().toISOString() }) };
  }

  private async signWhatIsLong(ends: readonly ChainEnd[]): Promise<void> {
    const { signer, headEvery = HEAD_EVERY } = this.deps;
    for (const end of ends) {
      const covered = Math.max(end.covered, this.asked.get(end.organizationId) ?? 0);
      if (end.lastEvent - covered < headEvery.events) continue;
      await signer.append(end);
      this.asked.set(end.organizationId, end.sequence);
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

/** Its signature says that it is to have one. */
function emptyChain(organizationId: string): ChainEnd {
  return { organizationId, sequence: 0, hash: FIRST_HASH, position: '', at: '', signature: 'none yet', keyFingerprint: '', lastEvent: 0, covered: 0, uncoveredSince: null };
}

async function pauseUntil(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) await sleep(60_000, undefined, { signal }).catch(() => undefined);
}
