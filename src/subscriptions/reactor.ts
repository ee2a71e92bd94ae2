// Follows the log and carries out what follows from each event. Its checkpoint is saved now and
// then, after what it covers: after a crash some is done again, which changes nothing.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Checkpoints } from '../ports/checkpoints.js';
import type { EventLog, Position, StoredEvent } from '../ports/eventLog.js';
import type { EventStore, RecordedEvent } from '../ports/eventStore.js';

const SUBSCRIBER = 'reactions';
const SAVE_EVERY_MS = 1_000;
const RETRY_AFTER_MS = 500;

export interface ReactorOptions {
  log: EventLog;
  events: EventStore;
  checkpoints: Checkpoints;
  /** Whether a stored event must be looked at. */
  isCause: (event: StoredEvent) => boolean;
  /** Carries out what follows from an event; bears repetition. */
  follow: (event: RecordedEvent) => Promise<void>;
  /** Told of each failure; the reactor tries again. */
  onError: (error: unknown) => void;
}

export class Reactor {
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private reached: Position | null = null;
  private saved: Position | null = null;
  private savedAt = 0;

  constructor(private readonly options: ReactorOptions) {}

  /** How far it has come; null until it knows. */
  get position(): Position | null {
    return this.reached;
  }

  /** Starts where it left off. */
  start(): void {
    this.running = this.run();
  }

  /** Stops after the event at hand and saves how far it came. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await this.save().catch(this.options.onError);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await this.follow(signal);
      } catch (error) {
        this.options.onError(error);
        await sleep(RETRY_AFTER_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  private async follow(signal: AbortSignal): Promise<void> {
    const { log, checkpoints, isCause, follow } = this.options;
    this.reached ??= await checkpoints.load(SUBSCRIBER);
    for await (const batch of log.subscribe(this.reached, signal)) {
      const relevant = batch.events.filter(isCause);
      for await (const event of this.opened(relevant)) {
        if (signal.aborted) return;
        await follow(event);
      }
      this.reached = batch.position;
      if (Date.now() - this.savedAt > SAVE_EVERY_MS) await this.save();
    }
  }

  /** The events opened; where one cannot be read, those before it come first. */
  private async *opened(stored: readonly StoredEvent[]): AsyncIterable<RecordedEvent> {
    const { events } = this.options;
    const together = await events.open(stored).catch(() => null);
    if (together !== null) yield* together;
    else for (const event of stored) yield* await events.open([event]);
  }

  private async save(): Promise<void> {
    if (this.reached === null || this.reached === this.saved) return;
    await this.options.checkpoints.save(SUBSCRIBER, this.reached);
    this.saved = this.reached;
    this.savedAt = Date.now();
  }
}
