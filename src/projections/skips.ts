// Events that operators had projections go past, as the log has recorded them.

import { UnreadableEventError, type DomainEvent } from '../domain/events/registry.js';
import { projectionsStream } from '../domain/streams.js';
import type { EventPlace } from '../ports/eventPages.js';
import type { EventLog } from '../ports/eventLog.js';
import type { EventStore, RecordedEvent } from '../ports/eventStore.js';

type Skipped = Extract<DomainEvent, { type: 'ProjectionEventSkipped' }>['data'];

/** Where it is recorded. */
interface RecordedIn {
  log: Pick<EventLog, 'read'>;
  events: Pick<EventStore, 'open'>;
}

export class Skips {
  private readonly byProjection = new Map<string, Set<string>>();
  private readonly known: EventPlace[] = [];
  private loading = false;

  /** Reads what is recorded, but for what cannot be read of it. @throws UnavailableError */
  async load(from: RecordedIn): Promise<void> {
    // Reading what it reads itself may ask for it again: once is enough.
    if (this.loading) return;
    this.loading = true;
    try {
      await this.read(from);
    } finally {
      this.loading = false;
    }
  }

  /** That a projection goes past an event. */
  add({ projection, stream, revision }: Omit<Skipped, 'reason' | 'position'>): void {
    const known = this.byProjection.get(projection) ?? new Set();
    if (!this.some({ stream, revision })) this.known.push({ stream, revision });
    this.byProjection.set(projection, known.add(keyOf({ stream, revision })));
  }

  /** Whether `projection` goes past the event. */
  has(projection: string, event: EventPlace): boolean {
    return this.byProjection.get(projection)?.has(keyOf(event)) === true;
  }

  /** Whether any projection goes past the event. */
  some(event: EventPlace): boolean {
    for (const projection of this.byProjection.keys()) if (this.has(projection, event)) return true;
    return false;
  }

  /** All events that any projection goes past. */
  places(): readonly EventPlace[] {
    return this.known;
  }

  /** Whether an event at `to` follows for `projection` on one at `from`: all between them are gone past. */
  follows(projection: string, stream: string, from: number, to: number): boolean {
    for (let revision = from + 1; revision < to; revision += 1) {
      if (!this.has(projection, { stream, revision })) return false;
    }
    return from < to;
  }

  private async read({ log, events }: RecordedIn): Promise<void> {
    for await (const batch of log.read(projectionsStream, 0)) {
      // Each on its own: one that cannot be read may be skipped by a later one.
      for (const stored of batch) {
        const [event] = await events.open([stored]).catch(unlessUnreadable);
        if (event?.type === 'ProjectionEventSkipped') this.add(event.data);
      }
    }
  }
}

function unlessUnreadable(error: unknown): RecordedEvent[] {
  if (error instanceof UnreadableEventError) return [];
  throw error;
}

/** Nothing is gone past. */
export const noSkips = new Skips();

const keyOf = ({ stream, revision }: EventPlace) => `${stream}@${revision}`;
