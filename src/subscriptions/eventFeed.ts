// The published events of organizations, for many readers at once. Old ones are read by pages; new
// ones come from one subscription to the log, opened and rendered once for all readers of an
// organization.

import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { groupBy } from '../domain/groupBy.js';
import { isPublished } from '../domain/events/published.js';
import type { IndexQuery } from '../ports/eventIndex.js';
import type { EventBatch, EventLog, Position, StoredEvent } from '../ports/eventLog.js';
import { inForm, isAmong, type EventPage, type EventPages, type EventPlace } from '../ports/eventPages.js';
import type { EventStore } from '../ports/eventStore.js';
import { Channel, type Frame, type Run } from './channel.js';
import { renderEvent } from './indexedPages.js';

/** No event is added to a page of so many bytes: pages of large events hold fewer. */
const PAGE_BYTES = 4_000_000;
/** How many old events are read for one that follows before it is written to again. */
const EVENTS_AT_A_TIME = 64;
const RETRY_AFTER_MS = 500;
/** How long a reader waits for an index that is behind the log. */
const INDEX_PAUSE_MS = 20;

export interface FeedOptions {
  log: EventLog;
  events: EventStore;
  pages: EventPages;
  /** Events that operators had the service go past. */
  skipped: () => readonly EventPlace[];
  /** Told of each contact that was erased, on every copy of the service. */
  erased?: (contact: { organizationId: string; contactId: string }) => void;
  onError: (error: unknown) => void;
}

export class EventFeed {
  private readonly stopping = new AbortController();
  private readonly channels = new Map<string, Channel>();
  private reached: Position | null = null;
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly options: FeedOptions) {
    // Every reader waits for it.
    setMaxListeners(0, this.stopping.signal);
  }

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

  /** Events of an organization, as the items of a JSON array. @throws UnavailableError, UnreadableEventError */
  read(organizationId: string, query: IndexQuery): Promise<EventPage> {
    const { pages, skipped } = this.options;
    return pages.read(organizationId, { ...query, form: 'json', maxBytes: PAGE_BYTES, skipped: skipped() });
  }

  /** Whether the log goes as far as a position; if not, it is not of this log. @throws UnavailableError */
  reaches(position: Position): Promise<boolean> {
    return this.options.log.reaches(position);
  }

  /** A reader of an organization's events after `after`; to be closed. */
  follow(organizationId: string, after: Position | null): FeedReader {
    const { log } = this.options;
    const channel = this.channels.get(organizationId) ?? new Channel(this.reached, (a, b) => log.compare(a, b));
    this.channels.set(organizationId, channel);
    channel.readers += 1;
    const release = () => {
      channel.readers -= 1;
      if (channel.readers === 0 && this.channels.get(organizationId) === channel) this.channels.delete(organizationId);
    };
    return new FeedReader(this.options, organizationId, channel, after, release);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        for await (const batch of this.options.log.subscribe(this.reached, signal)) {
          // A reader who comes while these are rendered finds them in the index.
          this.reached = batch.position;
          await this.pass(batch.events, await this.letGo(batch));
        }
      } catch (error) {
        for (const channel of this.channels.values()) await channel.reset(this.reached);
        this.options.onError(error);
        await sleep(RETRY_AFTER_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** Forgets what is kept of organizations of which a contact was erased: readers find it, as it now reads, in the index. */
  private async letGo({ events, position }: EventBatch): Promise<ReadonlySet<Channel>> {
    const emptied = new Set<Channel>();
    for (const { type, data, metadata } of events) {
      if (type !== 'ContactErased') continue;
      const { organizationId } = metadata;
      this.options.erased?.({ organizationId, contactId: String(data.contactId) });
      const channel = this.channels.get(organizationId);
      if (channel !== undefined) emptied.add(channel);
    }
    for (const channel of emptied) await channel.reset(position);
    return emptied;
  }

  /** Gives new events to the organizations that have readers, but those that find them in the index. */
  private async pass(events: readonly StoredEvent[], emptied: ReadonlySet<Channel>): Promise<void> {
    for (const [channel, own] of groupBy(events, ({ metadata }) => this.channels.get(metadata.organizationId))) {
      if (channel !== undefined && !emptied.has(channel)) await channel.add(await this.render(own));
    }
  }

  private async render(stored: readonly StoredEvent[]): Promise<Frame[]> {
    const skipped = this.options.skipped();
    const told = stored.filter((event) => isPublished(event.type) && !isAmong(skipped, event));
    const opened = await this.options.events.openWritten(told);
    return opened.map((event) => ({ position: event.position, type: event.type, bytes: Buffer.from(inForm('sse', event.position, renderEvent(event))) }));
  }
}

/** One reader's way through an organization's events. It holds nothing but its position. */
export class FeedReader {
  private closed = false;
  private wake: (() => void) | null = null;

  constructor(
    private readonly options: FeedOptions,
    private readonly organizationId: string,
    private readonly channel: Channel,
    public position: Position | null,
    private readonly release: () => void,
  ) {}

  /** The next events of published types, up to about `maxBytes`; whoever has told them sets `position` to theirs. */
  async next(types: readonly string[], maxBytes: number): Promise<Run> {
    const { log, pages, skipped } = this.options;
    if (log.compare(this.position, this.channel.start) >= 0) return this.channel.after(this.position, types, maxBytes);
    const query = { after: this.position, limit: EVENTS_AT_A_TIME, types, form: 'sse', maxBytes, skipped: skipped() } as const;
    const { content, position, coveredTo } = await pages.read(this.organizationId, query);
    // The index says that there is nothing else up to there: from there on, new ones come by themselves.
    return { bytes: content, position: coveredTo ?? position };
  }

  /** Waits for more, or until it is closed. */
  async grown(): Promise<void> {
    if (this.closed) return;
    const isBehind = this.options.log.compare(this.position, this.channel.start) < 0;
    if (isBehind) await sleep(INDEX_PAUSE_MS);
    else if (this.channel.isRead(this.position)) await this.wakened();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.release();
    if (this.wake === null) return;
    this.channel.forget(this.wake);
    this.wake();
  }

  private wakened(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = () => {
        this.wake = null;
        resolve();
      };
      this.channel.whenGrown(this.wake);
    });
  }
}
