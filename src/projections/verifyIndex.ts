// Compares the index of events with the log: a stretch of the log at a time, organization by
// organization. Entries never change, so that no writer can disturb it.

import { setImmediate as turn } from 'node:timers/promises';
import { parseStream } from '../domain/streams.js';
import type { Position } from '../ports/eventLog.js';
import type { IndexEntry } from '../ports/projection.js';
import type { ProjectingDeps } from './advance.js';
import { entriesOf } from './eventIndex.js';
import { VerifyInterruptedError, type Difference, type VerifyOptions } from './verify.js';

const STRETCH = 1_000;

/**
 * Verifies the live index up to its position of now.
 * @returns how many entries were compared
 * @throws VerifyInterruptedError, UnavailableError, and the reason of the signal
 */
export async function verifyIndex({ log, store }: ProjectingDeps, { found, report, signal }: VerifyOptions): Promise<number> {
  const live = await store.live('events');
  if (live === null) return 0;
  let compared = 0;
  for (let from: Position | null = null; log.compare(from, live.position) < 0; ) {
    signal?.throwIfAborted();
    const batch = await log.readAll(from, STRETCH);
    const to = live.position !== null && log.compare(batch.position, live.position) > 0 ? live.position : batch.position;
    const expected = entriesOf(batch.events.filter(({ position }) => log.compare(position, to) <= 0));
    for (const [organizationId, entries] of byOrganization(expected)) {
      const stored = await store.entries(live.number, organizationId, from, to, 2 * STRETCH);
      for (const difference of differencesOf(entries, stored)) found(difference);
      compared += entries.length;
    }
    report?.({ done: compared, total: log.count(null, live.position), unit: 'events looked up' });
    if (batch.caughtUp) break;
    from = to;
    await turn();
  }
  if ((await store.live('events'))?.number === live.number) return compared;
  throw new VerifyInterruptedError('events was rebuilt meanwhile; verify it again');
}

function byOrganization(entries: readonly IndexEntry[]): Map<string, IndexEntry[]> {
  const grouped = new Map<string, IndexEntry[]>();
  for (const entry of entries) {
    const known = grouped.get(entry.organizationId);
    if (known === undefined) grouped.set(entry.organizationId, [entry]);
    else known.push(entry);
  }
  return grouped;
}

function differencesOf(expected: readonly IndexEntry[], stored: readonly IndexEntry[]): Difference[] {
  const known = new Map(stored.map((entry) => [entry.position, entry]));
  const differences: Difference[] = [];
  for (const entry of expected) {
    const found = known.get(entry.position);
    known.delete(entry.position);
    const fields = found === undefined ? [] : (['stream', 'revision', 'type'] as const).filter((field) => found[field] !== entry[field]);
    if (found === undefined) differences.push(differenceIn(entry, 'missing', fields));
    else if (fields.length > 0) differences.push(differenceIn(entry, 'different', fields));
  }
  return [...differences, ...[...known.values()].map((entry) => differenceIn(entry, 'superfluous', []))];
}

/** Named by the aggregate whose event it is. */
function differenceIn({ organizationId, stream, revision }: IndexEntry, kind: Difference['kind'], fields: string[]): Difference {
  return { projection: 'events', organizationId, id: `${parseStream(stream)?.id ?? stream}@${revision}`, kind, fields };
}
