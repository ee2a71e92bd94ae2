// Random numbers that are the same for the same seed: each thing that is made draws from a
// sequence of its own, so that it comes out the same whatever was made before it.

import { createHash } from 'node:crypto';

/** A sequence of random numbers (mulberry32). */
export class Random {
  constructor(private state: number) {}

  /** From 0 to below 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  /** Whether something comes true that does with this probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of a list that is not empty. */
  pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.next() * items.length)] as Item;
  }

  /** `pattern` with a digit for each `#`. */
  digits(pattern: string): string {
    return pattern.replace(/#/g, () => String(this.between(0, 9)));
  }
}

/** What the sequences of a seed begin from. */
export class Seeds {
  private readonly base: number;

  constructor(...text: readonly string[]) {
    this.base = createHash('sha256').update(JSON.stringify(text)).digest().readInt32LE(0);
  }

  /** The sequence of the `n`-th thing of a kind. */
  of(kind: number, n: number): Random {
    const mixed = Math.imul(this.base ^ Math.imul(kind + 1, 0x9e3779b1), 0x85ebca6b) + Math.imul(n + 1, 0xc2b2ae35);
    return new Random(mixed ^ (mixed >>> 16));
  }
}

/**
 * An id in the form of a UUIDv7 whose time is `at` (ms since 1970) and whose rest is drawn: ids of
 * rising times lie beside each other in every index.
 */
export function uuidAt(at: number, random: Random): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
  const time = hex(at, 12);
  const rest = hex(random.between(0, 2 ** 32 - 1), 8) + hex(random.between(0, 2 ** 32 - 1), 8);
  const variant = '89ab'[random.between(0, 3)] as string;
  return `${time.slice(0, 8)}-${time.slice(8)}-7${rest.slice(0, 3)}-${variant}${rest.slice(3, 6)}-${rest.slice(6)}${hex(random.between(0, 255), 2)}`;
}
