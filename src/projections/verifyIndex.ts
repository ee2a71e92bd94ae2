// Compares the index of events with the log: a stretch of the log at a time, organization by
// organization. Entries never change, so that no writer can disturb it.

import { setImmediate as turn } from 'node:timers/promises';
import { groupBy } from '../domain/groupBy.js';
import { parseStream } from '../domain/streams.js';
import type { Position } from '../ports/eventLog.js';
import type { IndexEntry } from '../ports/projection.js';
import type { Generation } from '../ports/readStore.js';
import type { ProjectingDeps } from './advance.js';
import { entriesOf } from './eventIndex.js';
import { VerifyInterruptedError, type Difference, type VerifyOptions } from './verify.js';

const STRETCH = 1_000;

/** What lies after one position, up to another: by organization, the entries that belong there. */
interface Stretch {
  from: Position | null;
  to: Position;
  expected: Map<string, IndexEntry[]>;
}

/**
 * Verifies the live index up to its position of now, by so many events, or entries, at a time.
 * @returns how many entries were compared
 * @throws VerifyInterruptedError, UnavailableError, and the reason of the signal
 */
export async function verifyIndex({ log, store }: ProjectingDeps, { found, report, signal }: VerifyOptions, size = STRETCH): Promise<number> {
  const live = await store.live('events');
  if (live === null) return 0;
  const entriesIn = ({ from, to }: Stretch, organizationId: string) => store.entries(live.number, organizationId, from, to, 2 * size);
  const looked = new Map<string, number>();
  let compared = 0;
  for await (const stretch of stretches(log, live, size, signal)) {
    for (const [organizationId, expected] of stretch.expected) {
      const stored = await entriesIn(stretch, organizationId);
      differencesOf(expected, stored).forEach(found);
      looked.set(organizationId, (looked.get(organizationId) ?? 0) + stored.length);
      compared += expected.length;
    }
    report?.({ done: compared, total: log.count(null, live.position), unit: 'events looked up' });
  }
  const withMore = await organizationsWithMore({ log, store }, live, looked, size);
  // What lies where its organization has no event: most often there is none, and no second walk.
  for await (const stretch of withMore.length === 0 ? [] : stretches(log, live, size, signal)) {
    const elsewhere = withMore.filter((organizationId) => !stretch.expected.has(organizationId));
    for (const organizationId of elsewhere) differencesOf([], await entriesIn(stretch, organizationId)).forEach(found);
  }
  if ((await store.live('events'))?.number === live.number) return compared;
  throw new VerifyInterruptedError('events was rebuilt meanwhile; verify it again');
}

/** The log up to a generation's position. */
async function* stretches(log: ProjectingDeps['log'], { position: end }: Generation, size: number, signal: AbortSignal | undefined): AsyncGenerator<Stretch> {
  for (let from: Position | null = null; end !== null && log.compare(from, end) < 0; ) {
    signal?.throwIfAborted();
    const batch = await log.readAll(from, size);
    const to = batch.caughtUp || log.compare(batch.position, end) > 0 ? end : batch.position;
    const entries = entriesOf(batch.events.filter(({ position }) => log.compare(position, to) <= 0));
    yield { from, to, expected: groupBy(entries, ({ organizationId }) => organizationId) };
    from = to;
    await turn();
  }
}

/** The organizations that have more entries in a generation, up to its position, than were looked at. */
async function organizationsWithMore({ log, store }: Pick<ProjectingDeps, 'log' | 'store'>, { number, position }: Generation, looked: ReadonlyMap<string, number>, size: number): Promise<string[]> {
  const more = new Map(looked);
  for (let last: IndexEntry | null = null; ; ) {
    const entries: IndexEntry[] = await store.allEntries(number, last, size);
    for (const entry of entries) {
      if (log.compare(entry.position, position) <= 0) more.set(entry.organizationId, (more.get(entry.organizationId) ?? 0) - 1);
    }
    last = entries.at(-1) ?? null;
    if (entries.length < size) break;
    await turn();
  }
  return [...more].flatMap(([organizationId, left]) => (left < 0 ? [organizationId] : []));
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
