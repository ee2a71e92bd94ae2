// The new events of one organization, each rendered once for all of its readers, and kept for a
// while, so that a reader who is a little behind finds them here.

import { setImmediate as turn } from 'node:timers/promises';
import type { EventLog, Position } from '../ports/eventLog.js';

/** How many new events of an organization are kept for its readers, and how many bytes of them. */
const KEPT_EVENTS = 1_000;
const KEPT_BYTES = 4_000_000;
/** How many readers are woken before others have their turn: a millisecond or two. */
const WOKEN_AT_ONCE = 100;

/** An event as a Server-Sent Event. */
export interface Frame {
  position: Position;
  type: string;
  bytes: Buffer;
}

/** What comes next for a reader. */
export interface Run {
  /** Server-Sent Events, to be written as they are. */
  bytes: Uint8Array;
  /** The last event looked at: the reader stands there once they are written. */
  position: Position | null;
}

export class Channel {
  readers = 0;
  private kept: Frame[] = [];
  private bytes = 0;
  private readonly waiting = new Set<() => void>();
  /** What was asked for last: readers who stand at one place ask for the same, one after the other. */
  private last: { after: Position | null; types: readonly string[]; maxBytes: number; run: Run } | null = null;

  /** `start`: all after it are here. */
  constructor(
    public start: Position | null,
    private readonly compare: EventLog['compare'],
  ) {}

  async add(frames: readonly Frame[]): Promise<void> {
    for (const frame of frames) {
      this.kept.push(frame);
      this.bytes += frame.bytes.length;
    }
    while (this.kept.length > KEPT_EVENTS || (this.bytes > KEPT_BYTES && this.kept.length > 1)) {
      const oldest = this.kept.shift() as Frame;
      this.bytes -= oldest.bytes.length;
      this.start = oldest.position;
    }
    this.last = null;
    await this.wake();
  }

  /** Events after `after` of these types, up to about `maxBytes`. */
  after(after: Position | null, types: readonly string[], maxBytes: number): Run {
    const { last } = this;
    if (last !== null && last.after === after && last.types === types && last.maxBytes === maxBytes) return last.run;
    const run = this.collect(after, types, maxBytes);
    this.last = { after, types, maxBytes, run };
    return run;
  }

  /** Whether nothing is here after `position`. */
  isRead(position: Position | null): boolean {
    const last = this.kept.at(-1);
    return last === undefined || this.compare(last.position, position) <= 0;
  }

  /** Calls `wake` once, when there is more. */
  whenGrown(wake: () => void): void {
    this.waiting.add(wake);
  }

  /** Calls it no more. */
  forget(wake: () => void): void {
    this.waiting.delete(wake);
  }

  /** Forgets what is kept: what lies before `start` is to be found in the index. */
  async reset(start: Position | null): Promise<void> {
    this.kept = [];
    this.bytes = 0;
    this.last = null;
    this.start = start;
    await this.wake();
  }

  private collect(after: Position | null, types: readonly string[], maxBytes: number): Run {
    let first = this.kept.length;
    while (first > 0 && this.compare((this.kept[first - 1] as Frame).position, after) > 0) first -= 1;
    const wanted: Buffer[] = [];
    let position = after;
    let bytes = 0;
    for (let index = first; index < this.kept.length && bytes < maxBytes; index += 1) {
      const frame = this.kept[index] as Frame;
      position = frame.position;
      if (!types.includes(frame.type)) continue;
      wanted.push(frame.bytes);
      bytes += frame.bytes.length;
    }
    return { bytes: wanted.length === 1 ? (wanted[0] as Buffer) : Buffer.concat(wanted), position };
  }

  private async wake(): Promise<void> {
    let woken = 0;
    for (const wake of [...this.waiting]) {
      this.waiting.delete(wake);
      wake();
      woken += 1;
      if (woken % WOKEN_AT_ONCE === 0) await turn();
    }
  }
}
