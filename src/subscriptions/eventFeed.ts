// The published events of organizations, for many readers at once. Old ones come from the index;
// new ones from one subscription to the log, opened and rendered once for all readers of an
// organization, and kept for a while, so that a reader who is a little behind finds them there.

import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { cloudEvent, isPublished } from '../domain/events/published.js';
import type { EventIndex, IndexQuery } from '../ports/eventIndex.js';
import type { EventLog, Position, StoredEvent } from '../ports/eventLog.js';
import type { EventStore } from '../ports/eventStore.js';

/** How many new events of an organization are kept for its readers, and how many bytes of them. */
const KEPT_EVENTS = 1_000;
const KEPT_BYTES = 4_000_000;
/** How many are decrypted and rendered before others have their turn: a few milliseconds. */
const RENDERED_AT_ONCE = 200;
const RETRY_AFTER_MS = 500;
/** How long a reader waits for an index that is behind the log. */
const INDEX_PAUSE_MS = 20;

/** A published event, rendered. */
export interface Rendered {
  position: Position;
  type: string;
  /** Its CloudEvent as JSON. */
  json: string;
  /** The same as a Server-Sent Event, made when first asked for. */
  frame?: Buffer;
}

export interface FeedPage {
  events: Rendered[];
  /** The last event looked at. */
  position: Position | null;
  /** Whether there are no others as yet. */
  end: boolean;
}

export interface FeedOptions {
  log: EventLog;
  events: EventStore;
  index: EventIndex;
  /** Whether an operator had the service go past an event. */
  isSkipped: (event: StoredEvent) => boolean;
  onError: (error: unknown) => void;
}

/** The new events of one organization. */
class Channel {
  readers = 0;
  private kept: Rendered[] = [];
  private bytes = 0;
  private readonly waiting = new Set<() => void>();

  /** `start`: all after it are here. */
  constructor(public start: Position | null) {}

  add(events: readonly Rendered[]): void {
    for (const event of events) {
      this.kept.push(event);
      this.bytes += event.json.length;
    }
    while (this.kept.length > KEPT_EVENTS || (this.bytes > KEPT_BYTES && this.kept.length > 1)) {
      const oldest = this.kept.shift() as Rendered;
      this.bytes -= oldest.json.length;
      this.start = oldest.position;
    }
    this.wake();
  }

  after(position: Position | null, compare: EventLog['compare']): Rendered[] {
    let first = this.kept.length;
    while (first > 0 && compare((this.kept[first - 1] as Rendered).position, position) > 0) first -= 1;
    return this.kept.slice(first);
  }

  /** Whether nothing is here after `position`. */
  isRead(position: Position | null, compare: EventLog['compare']): boolean {
    const last = this.kept.at(-1);
    return last === undefined || compare(last.position, position) <= 0;
  }

  /** Returns when there is more, or `signal` aborts. */
  grown(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        this.waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }

  /** Forgets what is kept: what lies before `start` is to be found in the index. */
  reset(start: Position | null): void {
    this.kept = [];
    this.bytes = 0;
    this.start = start;
    this.wake();
  }

  private wake(): void {
    for (const done of [...this.waiting]) done();
  }
}

export class EventFeed {
  private readonly stopping = new AbortController();
  private readonly channels = new Map<string, Channel>();
  private reached: Position | null = null;
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly options: FeedOptions) {}

  /** Aborts when the service stops. */
  get stopped(): AbortSignal {
    return this.stopping.signal;
  }

  /** Begins to follow the log from where it stands. @throws UnavailableError */
  async start(): Promise<void> {
    this.reached = await this.options.log.head();
    this.running = this.run();
  }

  /** Ends every reader at once. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** Events of an organization from the index, rendered. @throws UnavailableError, UnreadableEventError */
  async read(organizationId: string, query: IndexQuery): Promise<FeedPage> {
    const { events, position, coveredTo } = await this.options.index.read(organizationId, query);
    return { events: await this.render(events), position, end: coveredTo !== null };
  }

  /** A reader of an organization's events after `after`; to be closed. */
  follow(organizationId: string, after: Position | null): FeedReader {
    const channel = this.channels.get(organizationId) ?? new Channel(this.reached);
    this.channels.set(organizationId, channel);
    channel.readers += 1;
    const close = () => {
      channel.readers -= 1;
      if (channel.readers === 0 && this.channels.get(organizationId) === channel) this.channels.delete(organizationId);
    };
    return new FeedReader(this, this.options, organizationId, channel, after, close);
  }

  async render(stored: readonly StoredEvent[]): Promise<Rendered[]> {
    const { events, isSkipped } = this.options;
    const told = stored.filter((event) => isPublished(event.type) && !isSkipped(event));
    const rendered: Rendered[] = [];
    for (let from = 0; from < told.length; from += RENDERED_AT_ONCE) {
      if (from > 0) await turn();
      for (const event of await events.openWritten(told.slice(from, from + RENDERED_AT_ONCE))) {
        rendered.push({ position: event.position, type: event.type, json: JSON.stringify(cloudEvent(event)) });
      }
    }
    return rendered;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        for await (const batch of this.options.log.subscribe(this.reached, signal)) {
          // A reader who comes while these are rendered finds them in the index.
          this.reached = batch.position;
          await this.pass(batch.events);
        }
      } catch (error) {
        for (const channel of this.channels.values()) channel.reset(this.reached);
        this.options.onError(error);
        await sleep(RETRY_AFTER_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** Gives new events to the organizations that have readers. */
  private async pass(events: readonly StoredEvent[]): Promise<void> {
    const of = new Map<Channel, StoredEvent[]>();
    for (const event of events) {
      const channel = this.channels.get(event.metadata.organizationId);
      if (channel === undefined) continue;
      const own = of.get(channel);
      if (own === undefined) of.set(channel, [event]);
      else own.push(event);
    }
    for (const [channel, own] of of) channel.add(await this.render(own));
  }
}

/** One reader's way through an organization's events. It holds nothing but its position. */
export class FeedReader {
  constructor(
    private readonly feed: EventFeed,
    private readonly options: FeedOptions,
    private readonly organizationId: string,
    private readonly channel: Channel,
    public position: Position | null,
    private readonly release: () => void,
  ) {}

  /** The next events, up to about `limit`, of all published types; none: there are no others as yet. */
  async next(limit: number, types: readonly string[]): Promise<Rendered[]> {
    const { log, index } = this.options;
    if (log.compare(this.position, this.channel.start) >= 0) return this.channel.after(this.position, log.compare.bind(log)).slice(0, limit);
    const { events, position, coveredTo } = await index.read(this.organizationId, { after: this.position, limit, types });
    const rendered = await this.feed.render(events);
    // The index says that there is nothing else up to there: from there on, new ones come by themselves.
    if (rendered.length === 0) this.position = coveredTo ?? position;
    return rendered;
  }

  /** Waits for more, or until `signal` aborts. */
  async grown(signal: AbortSignal): Promise<void> {
    const { log } = this.options;
    const isBehind = log.compare(this.position, this.channel.start) < 0;
    if (isBehind) await sleep(INDEX_PAUSE_MS, undefined, { signal }).catch(() => undefined);
    else if (this.channel.isRead(this.position, log.compare.bind(log))) await this.channel.grown(signal);
  }

  close(): void {
    this.release();
  }
}
