// Random bytes, drawn from the system many at a time: asking it for twelve costs as much as encrypting.

import { randomBytes } from 'node:crypto';

const DRAWN = 8_192;

let drawn = Buffer.alloc(0);

/** `count` bytes that nobody else is given, at most 8,192. */
export function takeRandom(count: number): Buffer {
  if (drawn.length < count) drawn = randomBytes(DRAWN);
  const taken = drawn.subarray(0, count);
  drawn = drawn.subarray(count);
  return taken;
}
