// UUIDv7, increasing within the process.

import { v7 } from 'uuid';
import type { Ids } from '../ports/clock.js';
import { takeRandom } from './random.js';

const BYTES = 16;
/** A sequence begins in the lower half of its 32 bits, so that there is room to count on. */
const FIRST_SEQUENCES = 0x7fffffff;
const LAST_SEQUENCE = 0xffffffff;

export class Uuids implements Ids {
  private at = 0;
  private sequence = 0;

  next(): string {
    const random = takeRandom(BYTES);
    const now = Date.now();
    if (now > this.at) {
      this.at = now;
      this.sequence = random.readUInt32BE() & FIRST_SEQUENCES;
    } else if (this.sequence < LAST_SEQUENCE) this.sequence += 1;
    else {
      this.at += 1;
      this.sequence = 0;
    }
    return v7({ msecs: this.at, seq: this.sequence, random });
  }
}
