// The newest events, by the one subscription of this process to $all, for any number of
// subscribers that follow closely. It never waits for them: who falls behind what is kept here
// reads the log by himself and comes back.

import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventBatch, Position, StoredEvent } from '../../ports/eventLog.js';
import type { EventStoreDbConnection } from './eventStoreDbConnection.js';
import { comparePositions, decodePosition, encodePosition, LOG_START, type LogPosition } from './eventStoreDbPositions.js';
import { isOutrun } from './eventStoreDbErrors.js';
import { pauseAfter } from './eventStoreDbRetries.js';
import { isOurs, toStoredEvent } from './eventStoreDbEvents.js';

/** At most so many events, and about so many bytes of their data, are kept. */
const KEPT_EVENTS = 4_000;
const KEPT_BYTES = 16 * 1_024 * 1_024;
/** A subscription that held for so long was a good one, in ms. */
const STEADY_AFTER_MS = 10_000;

interface Kept {
  event: StoredEvent;
  at: LogPosition;
  bytes: number;
}

/** All of our events after `from` up to `to`. */
interface Window {
  from: LogPosition;
  to: LogPosition;
  kept: Kept[];
  bytes: number;
}

export class EventStoreDbTail {
  private readonly stopping = new AbortController();
  private readonly changes = new EventEmitter().setMaxListeners(0);
  private running: Promise<void> | undefined;
  private announced = false;
  private window: Window | null = null;
  /** Rises with every change of what is kept. */
  version = 0;

  constructor(
    private readonly connection: EventStoreDbConnection,
    private readonly prefixes: readonly string[],
    private readonly onTrouble: (error: unknown) => void,
  ) {}

  /** Follows from now on, if it does not already. */
  start(): void {
    this.running ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    this.changed();
  }

  /** Up to `limit` events after `position`; null when not all of them are kept. */
  after(position: Position | null, limit: number): EventBatch | null {
    const { window } = this;
    const after = decodePosition(position);
    if (window === null || comparePositions(after, window.from) < 0) return null;
    const start = firstAfter(window.kept, after);
    const events = window.kept.slice(start, start + limit).map(({ event }) => event);
    if (start + events.length < window.kept.length) return { events, position: (events.at(-1) as StoredEvent).position, caughtUp: false };
    const end = comparePositions(after, window.to) > 0 ? after : window.to;
    return { events, position: encodePosition(end), caughtUp: true };
  }

  /** Returns when what is kept differs from what it was at `version`, or `signal` aborts. */
  async changedSince(version: number, signal: AbortSignal): Promise<void> {
    if (version !== this.version || signal.aborted) return;
    await once(this.changes, 'change', { signal }).catch(() => undefined);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    for (let failures = 0; !signal.aborted; failures += 1) {
      const began = Date.now();
      const error = await this.follow(signal).catch((reason: unknown) => reason);
      this.window = null;
      if (signal.aborted) return;
      const outrun = isOutrun(error);
      if (outrun || Date.now() - began > STEADY_AFTER_MS) failures = 0;
      if (failures === 0 && !outrun) this.onTrouble(error);
      await sleep(pauseAfter(failures), undefined, { signal }).catch(() => undefined);
    }
  }

  /** Follows from the event that is the last as yet, until that breaks. */
  private async follow(signal: AbortSignal): Promise<never> {
    const [last] = await this.connection.readBackwards('end', 1);
    const from = last?.position ?? LOG_START;
    this.window = { from, to: from, kept: [], bytes: 0 };
    this.changed();
    for await (const item of this.connection.follow(from, this.prefixes, signal)) {
      if ('checkpoint' in item) this.passed(this.window, item.checkpoint);
      else if (isOurs(item.event, this.prefixes)) this.keep(this.window, toStoredEvent(item.event), item.event.position);
      else this.passed(this.window, item.event.position);
      this.changed();
    }
    throw new Error('EventStoreDB ended the subscription');
  }

  private passed(window: Window, checkpoint: LogPosition): void {
    if (comparePositions(checkpoint, window.to) > 0) window.to = checkpoint;
  }

  private keep(window: Window, event: StoredEvent, at: LogPosition): void {
    if (comparePositions(at, window.to) <= 0) return;
    const bytes = JSON.stringify(event.data).length;
    window.kept.push({ event, at, bytes });
    window.to = at;
    window.bytes += bytes;
    if (window.kept.length > 2 * KEPT_EVENTS || window.bytes > 2 * KEPT_BYTES) shrink(window);
  }

  /** Tells those who wait, once for all that comes together. */
  private changed(): void {
    this.version += 1;
    if (this.announced) return;
    this.announced = true;
    setImmediate(() => {
      this.announced = false;
      this.changes.emit('change');
    });
  }
}

/** Lets the oldest go, down to what may be kept. */
function shrink(window: Window): void {
  let count = 0;
  while (window.kept.length - count > KEPT_EVENTS || (window.bytes > KEPT_BYTES && count < window.kept.length)) {
    const oldest = window.kept[count] as Kept;
    window.from = oldest.at;
    window.bytes -= oldest.bytes;
    count += 1;
  }
  window.kept = window.kept.slice(count);
}

function firstAfter(kept: readonly Kept[], position: LogPosition): number {
  let [low, high] = [0, kept.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (comparePositions((kept[middle] as Kept).at, position) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
