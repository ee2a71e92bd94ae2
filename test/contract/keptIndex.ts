// The index of events that a read store keeps of another log, as its contract suite opens it.

import { openEmbedded } from '../../src/platform/embedded/index.js';
import { IndexedEventsOf } from '../../src/platform/indexedEvents.js';
import { sortKey } from '../../src/platform/servers/eventStoreDbPositions.js';
import type { Position } from '../../src/ports/eventLog.js';
import type { ProjectionStore } from '../../src/ports/readStore.js';
import { nextStep, type ProjectingDeps } from '../../src/projections/advance.js';
import { eventIndexProjection } from '../../src/projections/eventIndex.js';
import { batchChanges, projections } from '../../src/projections/project.js';
import { rebuild } from '../../src/projections/rebuild.js';
import { noSkips } from '../../src/projections/skips.js';
import { temporaryFolder } from '../support/folder.js';
import { wrappingKey } from './embedded.js';
import type { OpenedIndex } from './eventIndexContract.js';
import type { OpenedPickingLog } from './eventStoreDb.js';

type Order = { compare: (a: Position | null, b: Position | null) => number; sortKey: typeof sortKey };
export type OpenStore = (order: Order) => Promise<{ projectionStore: ProjectionStore; close(): void | Promise<void> }>;
export type KeptIndex = OpenedIndex & { deps: ProjectingDeps };

export const inSqlite: OpenStore = (order) =>
  openEmbedded({ dataDir: temporaryFolder(), wrappingKeys: [wrappingKey()], projections, changesOf: batchChanges, ...order });

/** The index that a read store keeps of a log; closing it closes both. */
export async function openKept({ log, close: closeLog }: OpenedPickingLog, openStore: OpenStore): Promise<KeptIndex> {
  const order = { compare: (a: Position | null, b: Position | null) => log.compare(a, b), sortKey };
  const { projectionStore: store, close } = await openStore(order);
  // Entries are made of events as they are stored.
  const deps: ProjectingDeps = { log, store, makeReady: null, skips: noSkips, events: {} as ProjectingDeps['events'] };
  const advance = async (events: number) => {
    for (let left = events; left > 0; ) {
      const live = (await store.live('events')) ?? (await rebuilt());
      const step = await nextStep(eventIndexProjection, live, deps, Math.min(left, 500));
      if (!(await step.apply(live.position, step.position))) throw new Error('nobody else projects here');
      if (step.caughtUp) return;
      left -= step.seen;
    }
  };
  const rebuilt = async () => {
    await rebuild(eventIndexProjection, deps);
    return (await store.live('events'))!;
  };
  return {
    log,
    deps,
    index: new IndexedEventsOf(log, store),
    advance,
    rebuild: async () => void (await rebuilt()),
    close: async () => {
      await close();
      await closeLog();
    },
  };
}
