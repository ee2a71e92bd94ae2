// Single events by where they stand. Where an organization's lie close together in the log they are
// read from there; all others from their streams, so many reads at a time in this process and no
// more, as a connection has a hundred streams for all.

import { groupBy } from '../../domain/groupBy.js';
import type { Position, StoredEvent } from '../../ports/eventLog.js';
import type { IndexEntry } from '../../ports/projection.js';

/** Of fewer events than this the log is not asked. */
const MANY = 16;
/** It is asked on while at least this part of what it gives is wanted: a read of a stream costs about eight times as much as an event more. */
const DENSE = 1 / 4;
/** So many times as many as are wanted are asked for, as others lie between. */
const ROOM = 1.25;
/** How many reads run at a time. */
const READS_AT_A_TIME = 24;
/** Events of a stream that are no further apart than this are read together, with those between. */
const NEAR = 10;
const LONGEST_READ = 500;

/** Reads up to `count` events of `stream` from a revision on. */
export type ReadStream = (stream: string, fromRevision: number, count: number) => Promise<StoredEvent[]>;

/** Reads up to `count` events of the log, anybody's, from the one at a position on. */
export type ReadLog = (from: Position, count: number) => Promise<StoredEvent[]>;

interface Run {
  stream: string;
  from: number;
  to: number;
}

export class EventStoreDbPicks {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly readStream: ReadStream,
    private readonly readLog: ReadLog,
  ) {}

  /** The events at `places`, in that order; those that are gone are left out. */
  async pick(places: readonly IndexEntry[]): Promise<StoredEvent[]> {
    const events = await this.closeTogether(places);
    const others = runsOf(places.filter((place) => !events.has(nameOf(place))));
    const found = await Promise.all(others.map(({ stream, from, to }) => this.inTurn(() => this.readStream(stream, from, to - from + 1))));
    for (const event of found.flat()) events.set(nameOf(event), event);
    // The position is that in the log's order: a read of a stream may give an append's for each of its events.
    return places.flatMap((place) => {
      const event = events.get(nameOf(place));
      return event === undefined ? [] : { ...event, position: place.position };
    });
  }

  /** Those that the log gives from the first on, for as long as they are a good part of what it gives. */
  private async closeTogether(places: readonly IndexEntry[]): Promise<Map<string, StoredEvent>> {
    const found = new Map<string, StoredEvent>();
    for (let left = places; left.length >= MANY; left = left.filter((place) => !found.has(nameOf(place)))) {
      const wanted = new Set(left.map(nameOf));
      const first = left[0] as IndexEntry;
      const stretch = await this.inTurn(() => this.readLog(first.position, Math.min(Math.ceil(ROOM * left.length), LONGEST_READ)));
      const taken = stretch.filter((event) => wanted.has(nameOf(event)));
      for (const event of taken) found.set(nameOf(event), event);
      if (taken.length === 0 || taken.length < stretch.length * DENSE) break;
    }
    return found;
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
  return [...groupBy(places, ({ stream }) => stream)].flatMap(([stream, all]) => {
    const runs: Run[] = [];
    for (const { revision } of all.sort((a, b) => a.revision - b.revision)) {
      const last = runs.at(-1);
      if (last !== undefined && revision - last.to <= NEAR && revision - last.from < LONGEST_READ) last.to = revision;
      else runs.push({ stream, from: revision, to: revision });
    }
    return runs;
  });
}
