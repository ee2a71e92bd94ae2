// A clock that stands still until a test moves it.

import type { AlarmClock } from '../../src/ports/clock.js';

interface Alarm {
  at: number;
  ring: () => void;
}

export class ManualClock implements AlarmClock {
  private readonly alarms = new Set<Alarm>();

  constructor(private ms = Date.parse('2026-03-01T10:00:00.000Z')) {}

  now = (): Date => new Date(this.ms);

  after = (ms: number, ring: () => void): (() => void) => {
    const alarm = { at: this.ms + ms, ring };
    // What is due at once does not wait for a move.
    if (ms <= 0) setImmediate(() => this.ring(alarm));
    this.alarms.add(alarm);
    return () => void this.alarms.delete(alarm);
  };

  /** Moves on by `ms`, from one time of alarms to the next; after each, `settled` says when to go on. */
  async advance(ms: number, settled: () => Promise<void>): Promise<void> {
    const end = this.ms + ms;
    await settled();
    for (let next = this.next(end); next !== undefined; next = this.next(end)) {
      this.ms = Math.max(this.ms, next);
      for (const alarm of [...this.alarms]) if (alarm.at <= this.ms) this.ring(alarm);
      await settled();
    }
    this.ms = end;
  }

  /** When the next alarm up to `end` rings. */
  private next(end: number): number | undefined {
    const times = [...this.alarms].map(({ at }) => at).filter((at) => at <= end);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  private ring(alarm: Alarm): void {
    if (this.alarms.delete(alarm)) alarm.ring();
  }
}
