// Links the events of each group before it is committed: no event of ours is ever without its link.

import { LRUCache } from 'lru-cache';
import type { ChainEnd, Linker } from '../../ports/chainStore.js';
import type { SqliteChainStore } from './chainStore.js';
import type { SqliteEventLog } from './eventLog.js';
import type { Participant } from './groupCommit.js';

const REMEMBERED = 10_000;

export class InlineChain implements Participant {
  private readonly ends = new LRUCache<string, ChainEnd>({ max: REMEMBERED });
  private links: number | null = null;

  constructor(
    private readonly log: SqliteEventLog,
    private readonly store: SqliteChainStore,
    private readonly linker: Linker,
  ) {}

  beforeCommit(): void {
    const events = this.log.running();
    const last = events.at(-1);
    if (last === undefined) return;
    this.links ??= this.store.linksNow();
    const run = { from: null, to: last.position, events, links: this.links };
    const { links, ends } = this.linker.step(run, (organizationId) => this.endOf(organizationId));
    this.store.appendNow(last.position, links, ends);
    for (const end of ends) this.ends.set(end.organizationId, end);
    this.links += links.length;
  }

  failed(): void {
    this.ends.clear();
    this.links = null;
  }

  private endOf(organizationId: string): ChainEnd {
    return this.ends.get(organizationId) ?? this.linker.trusted(organizationId, this.store.endNow(organizationId));
  }
}
