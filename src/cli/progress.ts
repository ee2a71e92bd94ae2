// Shows how far an operation has come: a bar on a terminal, a line now and then elsewhere.

import type { Progress, Report } from '../operations/operation.js';

const BAR_EVERY_MS = 100;
const LINE_EVERY_MS = 5_000;
const BAR_WIDTH = 24;
/** Over how long the rate is measured, in ms. */
const RATE_OVER_MS = 10_000;

export interface ProgressDisplay {
  report: Report;
  /** Shows the last that was reported, and leaves the line. */
  end(): void;
}

/** Where progress is shown: standard error, so that results can be piped elsewhere. */
export interface Screen {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

/** A display on `screen`; `now` gives the time in ms. */
export function showProgress(screen: Screen, now: () => number = Date.now): ProgressDisplay {
  const onTerminal = screen.isTTY === true;
  let meter = new RateMeter();
  let last: Progress | null = null;
  let shownAt = Number.NEGATIVE_INFINITY;
  let shown: Progress | null = null;
  const show = (progress: Progress) => {
    shownAt = now();
    shown = progress;
    const rate = progress.rate ?? meter.rate();
    if (onTerminal) screen.write(`\r${barOf(progress, rate).slice(0, (screen.columns ?? 80) - 1)}\u001b[K`);
    else screen.write(`${lineOf(progress, rate)}\n`);
  };
  const end = () => {
    if (last !== null && last !== shown) show(last);
    if (onTerminal && last !== null) screen.write('\n');
    last = null;
  };
  const report = (progress: Progress) => {
    // There is nothing to do, as on a store that was just made.
    if (progress.total === 0) return;
    if (last !== null && last.unit !== progress.unit) {
      end();
      meter = new RateMeter();
      shownAt = Number.NEGATIVE_INFINITY;
    }
    last = { ...progress };
    meter.add(now(), progress.done);
    if (now() - shownAt >= (onTerminal ? BAR_EVERY_MS : LINE_EVERY_MS)) show(last);
  };
  return { report, end };
}

/** Units a second over the last while. */
class RateMeter {
  private readonly samples: { at: number; done: number }[] = [];

  add(at: number, done: number): void {
    this.samples.push({ at, done });
    while (this.samples.length > 2 && at - (this.samples[1]?.at ?? at) > RATE_OVER_MS) this.samples.shift();
  }

  /** Null while it cannot be told. */
  rate(): number | null {
    const [first, last] = [this.samples[0], this.samples.at(-1)];
    if (first === undefined || last === undefined || last.at === first.at) return null;
    return (last.done - first.done) / ((last.at - first.at) / 1_000);
  }
}

/** `[#####     ] 25%  1,000/4,000 contacts, 500/s, 6s left`, without what is not known. */
function barOf(progress: Progress, rate: number | null): string {
  const { done, total } = progress;
  if (total === null) return lineOf(progress, rate);
  const filled = Math.min(BAR_WIDTH, Math.floor((done / total) * BAR_WIDTH));
  return `[${'#'.repeat(filled).padEnd(BAR_WIDTH)}] ${lineOf(progress, rate)}`;
}

function lineOf({ done, total, unit }: Progress, rate: number | null): string {
  const count = (value: number) => Math.round(value).toLocaleString('en-US');
  const share = total === null ? '' : `${String(Math.floor((100 * done) / total)).padStart(3)}%  `;
  const parts = [`${share}${count(done)}${total === null ? '' : `/${count(total)}`} ${unit}`];
  if (rate !== null) parts.push(`${count(rate)}/s`);
  if (rate !== null && rate > 0 && total !== null && done < total) parts.push(`${duration((total - done) / rate)} left`);
  return parts.join(', ');
}

/** `45s`, `3m 05s`, `2h 10m`. */
function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  if (whole < 60) return `${whole}s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
  return `${Math.floor(whole / 3_600)}h ${two(Math.floor((whole % 3_600) / 60))}m`;
}
