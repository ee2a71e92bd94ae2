// Follows the log and carries out what follows from each event. Its checkpoint is saved now and
// then, after what it covers: after a crash some is done again, which changes nothing.

import type { Checkpoints } from '../ports/checkpoints.js';
import type { EventLog, Position, StoredEvent } from '../ports/eventLog.js';
import type { EventStore, RecordedEvent } from '../ports/eventStore.js';

const SUBSCRIBER = 'reactions';
const SAVE_EVERY_MS = 1_000;

export interface ReactorOptions {
  log: EventLog;
  events: EventStore;
  checkpoints: Checkpoints;
  /** Whether a stored event must be looked at. */
  isCause: (event: StoredEvent) => boolean;
  /** Carries out what follows from an event; bears repetition. */
  follow: (event: RecordedEvent) => Promise<void>;
}

export class Reactor {
  private reached: Position | null = null;
  private saved: Position | null = null;
  private savedAt = 0;

  constructor(private readonly options: ReactorOptions) {}

  /** How far it has come; null until it knows. */
  get position(): Position | null {
    return this.reached;
  }

  /**
   * Goes on from where the last one left off, until `signal` aborts; then it ends after the event at
   * hand and saves how far it came. `fence` is the token of the lease it works under.
   * @throws UnavailableError, and what `follow` throws
   */
  async run(signal: AbortSignal, fence: number): Promise<void> {
    this.reached = await this.start();
    this.saved = this.reached;
    try {
      await this.follow(signal, fence);
    } finally {
      await this.save(fence);
    }
  }

  /** Where to go on; at the first event where another log was followed, since all of it bears repetition. */
  private async start(): Promise<Position | null> {
    const { log, checkpoints } = this.options;
    const position = await checkpoints.load(SUBSCRIBER);
    return position === null || (await log.reaches(position)) ? position : null;
  }

  private async follow(signal: AbortSignal, fence: number): Promise<void> {
    const { log, isCause, follow } = this.options;
    for await (const batch of log.subscribe(this.reached, signal)) {
      const relevant = batch.events.filter(isCause);
      for await (const event of this.opened(relevant)) {
        if (signal.aborted) return;
        await follow(event);
      }
      this.reached = batch.position;
      if (Date.now() - this.savedAt > SAVE_EVERY_MS) await this.save(fence);
    }
  }

  /** The events opened; where one cannot be read, those before it come first. */
  private async *opened(stored: readonly StoredEvent[]): AsyncIterable<RecordedEvent> {
    const { events } = this.options;
    const together = await events.open(stored).catch(() => null);
    if (together !== null) yield* together;
    else for (const event of stored) yield* await events.open([event]);
  }

  private async save(fence: number): Promise<void> {
    if (this.reached === null || this.reached === this.saved) return;
    await this.options.checkpoints.save(SUBSCRIBER, this.reached, fence);
    this.saved = this.reached;
    this.savedAt = Date.now();
  }
}
