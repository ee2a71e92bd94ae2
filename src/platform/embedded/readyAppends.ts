// Appends to new streams made by a thread, and how they are written here.

import type { AppendsAhead, ReadyAppends } from '../../ports/readyAppends.js';
import type { WrappingKeys } from '../wrapping.js';
import type { SqliteKeyStore } from './keyStore.js';
import { MadeAhead } from './madeAhead.js';
import { TakenError, type MadeAppends } from './madeAppends.js';

/** What the thread is started with. */
export interface AppendThreadData {
  wrappingKeys: WrappingKeys;
  /** What the appends are to be. */
  orders: unknown;
}

/** How many are made ahead; each may take as much memory as a large transaction. */
const AHEAD = 2;

/** A group is in use all the while it is made: with half of it, moving it about over and over took a tenth of the time. */
const YOUNG_MB = 16;

export class ThreadAppends implements AppendsAhead {
  private readonly appends: MadeAhead<MadeAppends>;

  /** `module` is what the thread runs. */
  constructor(
    module: URL,
    data: AppendThreadData,
    private readonly keys: SqliteKeyStore,
    /** Stores and shows all but the keys, in one transaction. Throws TakenError or UnavailableError; then none of it is written. */
    private readonly store: (made: MadeAppends) => Promise<void>,
  ) {
    this.appends = new MadeAhead(module, data, AHEAD, YOUNG_MB);
  }

  async next(): Promise<ReadyAppends | null> {
    const made = await this.appends.next();
    return made === null ? null : { count: made.count, write: () => this.write(made) };
  }

  async close(): Promise<void> {
    await this.appends.close();
  }

  /** The keys first: an event is never stored without. */
  private async write(made: MadeAppends): Promise<boolean> {
    try {
      await this.keys.addWrapped(made.keys);
      await this.store(made);
      return true;
    } catch (error) {
      if (error instanceof TakenError) return false;
      throw error;
    }
  }
}
