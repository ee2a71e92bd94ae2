// What a bench reports: figures beside their baseline of the same run, and what was asked of them.

import { availableParallelism, loadavg } from 'node:os';

/** One line of a report. `asked` is a bound on `value`. */
export interface Figure {
  name: string;
  value: number;
  unit: 'ratio' | '/s' | 'ms' | 'MB' | 'count';
  asked?: { atLeast: number } | { atMost: number };
  /** What it was measured from. */
  note?: string;
}

export interface Bench {
  name: string;
  /** What it measures, in a line. */
  about: string;
  run(say: (line: string) => void): Promise<Figure[]>;
}

/** Whether the figure is as asked; null when nothing was. */
export function isMet({ value, asked }: Figure): boolean | null {
  if (asked === undefined) return null;
  return 'atLeast' in asked ? value >= asked.atLeast : value <= asked.atMost;
}

/** The figure as one line. */
export function lineOf(figure: Figure): string {
  const { name, value, unit, asked, note } = figure;
  const met = isMet(figure);
  const bound = asked === undefined ? '' : 'atLeast' in asked ? `asked ≥ ${asked.atLeast}` : `asked ≤ ${asked.atMost}`;
  const verdict = met === null ? '' : met ? 'met' : 'NOT MET';
  return [name.padEnd(52), `${shown(value)} ${unit}`.padStart(16), bound.padEnd(16), verdict.padEnd(8), note ?? ''].join('  ').trimEnd();
}

/** What rates and waits depend on: others on the machine, too. */
export function machine(): string {
  return `${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}`;
}

/** The middle value; of an even count the lower of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  if (middle === undefined) throw new RangeError('no values');
  return middle;
}

function shown(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(value < 10 ? 2 : 1);
}
