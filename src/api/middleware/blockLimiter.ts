// A rate limiter that takes points from a counter in blocks of a hundredth of the limit, and spends
// a block without asking again: most requests count down a number. The counter is this process's,
// or one that several copies of the service share.
//
// Never more than the limit passes; of a shared counter a copy may refuse while the others still
// hold points they have not spent, at most a hundredth of the limit each. (The limiters of
// rate-limiter-flexible ask their store at every request.)

import { LRUCache } from 'lru-cache';

const KEYS = 20_000;
const BLOCKS_PER_LIMIT = 100;

/** Adds `points` to the counter of `key`; returns it as it stands then. @throws UnavailableError */
export type TakePoints = (key: string, points: number) => Promise<{ points: number; expiresAt: number }>;

/** How a key stands in its window. */
export interface Standing {
  /** Whether the request passes. */
  passes: boolean;
  /** Points left in this window, as far as this copy knows. */
  remaining: number;
  /** When the window ends, in ms since 1970. */
  endsAt: number;
}

/** What this copy knows of a key's window. */
interface Block {
  /** Points taken and not spent. */
  left: number;
  /** Points that all copies had taken when this one last asked. */
  taken: number;
  endsAt: number;
}

export class BlockLimiter {
  private readonly blocks = new LRUCache<string, Block>({ max: KEYS });
  private readonly asking = new Map<string, Promise<void>>();

  constructor(
    readonly limit: number,
    private readonly takePoints: TakePoints,
  ) {}

  /** Spends a point of `key`, if there is one left in this window; at once, unless a block must be taken. @throws UnavailableError */
  spend(key: string): Standing | Promise<Standing> {
    const block = this.current(key);
    if (block !== undefined && block.left > 0) {
      block.left -= 1;
      return this.standing(block, true);
    }
    if (block !== undefined && block.taken >= this.limit) return this.standing(block, false);
    return this.ask(key).then(() => this.spend(key));
  }

  /** How the key stands; null: nothing was spent in this window, as far as this copy knows. */
  look(key: string): Standing | null {
    const block = this.current(key);
    return block === undefined ? null : this.standing(block, block.left > 0);
  }

  /** Points of `key` that were taken in this window and are not spent. */
  unspent(key: string): number {
    return this.current(key)?.left ?? 0;
  }

  private current(key: string): Block | undefined {
    const block = this.blocks.get(key);
    return block !== undefined && block.endsAt > Date.now() ? block : undefined;
  }

  /** Takes a block for `key`; whoever asks meanwhile waits for the same one. */
  private ask(key: string): Promise<void> {
    const running = this.asking.get(key);
    if (running !== undefined) return running;
    const asked = this.takeBlock(key).finally(() => this.asking.delete(key));
    this.asking.set(key, asked);
    return asked;
  }

  private async takeBlock(key: string): Promise<void> {
    const size = Math.max(1, Math.floor(this.limit / BLOCKS_PER_LIMIT));
    const { points, expiresAt } = await this.takePoints(key, size);
    const left = Math.min(size, Math.max(0, this.limit - (points - size)));
    this.blocks.set(key, { left, taken: points, endsAt: expiresAt });
  }

  private standing({ left, taken, endsAt }: Block, passes: boolean): Standing {
    return { passes, remaining: Math.max(0, this.limit - Math.min(this.limit, taken) + left), endsAt };
  }
}
