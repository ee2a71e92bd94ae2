// Single events by where they stand in their streams: those near each other in one read, so many
// reads at a time in this process and no more, as a connection has a hundred streams for all.

import type { StoredEvent } from '../../ports/eventLog.js';
import type { IndexEntry } from '../../ports/projection.js';

/** How many reads run at a time. */
const READS_AT_A_TIME = 24;
/** Events of a stream that are no further apart than this are read together, with those between. */
const NEAR = 10;
const LONGEST_READ = 500;

/** Reads up to `count` events of `stream` from a revision on. */
export type ReadStream = (stream: string, fromRevision: number, count: number) => Promise<StoredEvent[]>;

interface Run {
  stream: string;
  from: number;
  to: number;
}

export class EventStoreDbPicks {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly read: ReadStream) {}

  /** The events at `places`, in that order; those that are gone are left out. */
  async pick(places: readonly IndexEntry[]): Promise<StoredEvent[]> {
    const found = await Promise.all(runsOf(places).map(({ stream, from, to }) => this.inTurn(() => this.read(stream, from, to - from + 1))));
    const events = new Map(found.flat().map((event) => [nameOf(event), event]));
    // The position is that in the log's order: a read of a stream may give an append's for each of its events.
    return places.flatMap((place) => {
      const event = events.get(nameOf(place));
      return event === undefined ? [] : { ...event, position: place.position };
    });
  }

  private async inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.running >= READS_AT_A_TIME) await new Promise<void>((start) => this.waiting.push(start));
    else this.running += 1;
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.running -= 1;
      else next();
    }
  }
}

const nameOf = ({ stream, revision }: { stream: string; revision: number }) => `${revision}@${stream}`;

/** The reads that give all of the places. */
function runsOf(places: readonly IndexEntry[]): Run[] {
  const revisions = new Map<string, number[]>();
  for (const { stream, revision } of places) {
    const known = revisions.get(stream);
    if (known === undefined) revisions.set(stream, [revision]);
    else known.push(revision);
  }
  return [...revisions].flatMap(([stream, all]) => {
    const runs: Run[] = [];
    for (const revision of all.sort((a, b) => a - b)) {
      const last = runs.at(-1);
      if (last !== undefined && revision - last.to <= NEAR && revision - last.from < LONGEST_READ) last.to = revision;
      else runs.push({ stream, from: revision, to: revision });
    }
    return runs;
  });
}
