// A rate limiter for several copies of the service: each takes points from a shared counter in
// blocks of a hundredth of the limit, and spends a block without asking again.
//
// Never more than the limit passes; a copy may refuse while the others still hold points they have not spent, at most
// a hundredth of the limit each. (RateLimiterMongo of rate-limiter-flexible asks the server at
// every request.)

import { LRUCache } from 'lru-cache';
import { RateLimiterRes } from 'rate-limiter-flexible';
import type { SharedCounters } from '../../ports/counterStore.js';

const KEYS = 20_000;
const BLOCKS_PER_LIMIT = 100;

export interface BlockLimiterOptions {
  name: string;
  limit: number;
  windowMs: number;
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
    private readonly counters: SharedCounters,
    private readonly options: BlockLimiterOptions,
  ) {}

  /**
   * Spends a point of `key`.
   * @throws RateLimiterRes when there is none left in this window
   * @throws UnavailableError
   */
  async consume(key: string): Promise<RateLimiterRes> {
    for (;;) {
      const block = this.current(key);
      if (block !== undefined && block.left > 0) {
        block.left -= 1;
        return this.state(block);
      }
      if (block !== undefined && block.taken >= this.options.limit) throw this.state(block);
      await this.ask(key);
    }
  }

  /** How the key stands; null: nothing was spent in this window, as far as this copy knows. */
  async get(key: string): Promise<RateLimiterRes | null> {
    const block = this.current(key);
    return block === undefined ? null : this.state(block);
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
    const { name, limit, windowMs } = this.options;
    const size = Math.max(1, Math.floor(limit / BLOCKS_PER_LIMIT));
    const { points, expiresAt } = await this.counters.add(`${name}:${key}`, size, windowMs, new Date());
    const left = Math.min(size, Math.max(0, limit - (points - size)));
    this.blocks.set(key, { left, taken: points, endsAt: expiresAt });
  }

  private state({ left, taken, endsAt }: Block): RateLimiterRes {
    const { limit } = this.options;
    const spent = Math.min(limit, taken) - left;
    return new RateLimiterRes(Math.max(0, limit - spent), Math.max(0, endsAt - Date.now()), spent);
  }
}
