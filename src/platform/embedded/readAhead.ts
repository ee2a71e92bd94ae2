// Pages made before they are asked for: whoever asks for a full page is likely to ask for the one
// after it, and a thread has it ready while the first is still being made, sent and read. A full
// page never changes, but by an erasure or a skip.

import type { Position } from '../../ports/eventLog.js';
import type { EventPage, PageQuery } from '../../ports/eventPages.js';
import type { KeySubject } from '../../ports/keyStore.js';
import type { OpenEventPages } from './eventPages.js';

/** A page that is being made. */
export interface PageInTheMaking {
  page: Promise<EventPage>;
  /** Known early: where it ends unless it is full of bytes before; null when there are fewer events than asked for. Rejects never. */
  end: Promise<Position | null>;
}

/** Who makes pages. */
export interface PageMaker {
  begin(organizationId: string, query: PageQuery): PageInTheMaking;
  /** As `begin`, by somebody who has nothing else to do; null when there is nobody. */
  beginInPassing(organizationId: string, query: PageQuery): PageInTheMaking | null;
  forget(subject: KeySubject): void;
  close(): Promise<void>;
}

/** How many pages wait at most, of all readers, in bytes about as many times `maxBytes` of the queries. */
const MOST_PAGES = 6;
/** How many are made ahead for a reader who has taken one; for who has not, it is one. */
const PAGES_AHEAD = 2;
/** For how long one waits at most, in ms. */
const KEPT_MS = 5_000;

interface PageAhead {
  organizationId: string;
  /** Null when it could not be made, or is not full, so that it may have grown since. */
  page: Promise<EventPage | null>;
  end: Promise<Position | null>;
  expiry: NodeJS.Timeout;
}

export class ReadAhead implements OpenEventPages {
  private readonly ahead = new Map<string, PageAhead>();
  private isClosed = false;

  constructor(private readonly maker: PageMaker) {}

  async read(organizationId: string, query: PageQuery): Promise<EventPage> {
    const name = nameOf(organizationId, query);
    const kept = this.ahead.get(name);
    this.drop(name);
    const ready = (await kept?.page) ?? null;
    if (ready !== null) {
      this.makeAhead(organizationId, { ...query, after: ready.position }, PAGES_AHEAD);
      return ready;
    }
    const { page, end } = this.maker.begin(organizationId, query);
    void this.goOn(organizationId, query, { page: fullOrNull(page), end }, 1);
    return page;
  }

  /** Keeps no page of the organization, not even one that is being made. */
  forget(subject: KeySubject): void {
    this.maker.forget(subject);
    for (const [name, kept] of this.ahead) if (kept.organizationId === subject.organizationId) this.drop(name);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const name of this.ahead.keys()) this.drop(name);
    await this.maker.close();
  }

  /**
   * Has `count` pages made after one that is being made, as long as there is room and nobody else
   * has work: beside it where somebody is idle, else when it is done.
   */
  private async goOn(organizationId: string, query: PageQuery, { page, end }: Pick<PageAhead, 'page' | 'end'>, count: number): Promise<void> {
    if (count === 0) return;
    const likely = await end;
    const isBegun = likely !== null && this.makeAhead(organizationId, { ...query, after: likely }, count);
    const made = await page;
    if (made === null || (isBegun && made.position === likely)) return;
    if (isBegun) this.drop(nameOf(organizationId, { ...query, after: likely }));
    this.makeAhead(organizationId, { ...query, after: made.position }, count);
  }

  /** Has a page made unless it is already, and more after it, `count` in all; returns whether there was room. */
  private makeAhead(organizationId: string, query: PageQuery, count: number): boolean {
    const name = nameOf(organizationId, query);
    const kept = this.ahead.get(name) ?? this.begin(name, organizationId, query);
    if (kept !== null) void this.goOn(organizationId, query, kept, count - 1);
    return kept !== null;
  }

  private begin(name: string, organizationId: string, query: PageQuery): PageAhead | null {
    const making = !this.isClosed && this.ahead.size < MOST_PAGES ? this.maker.beginInPassing(organizationId, query) : null;
    if (making === null) return null;
    const page = fullOrNull(making.page);
    const kept = { organizationId, page, end: making.end, expiry: setTimeout(() => this.drop(name), KEPT_MS).unref() };
    this.ahead.set(name, kept);
    void page.then((made) => {
      if (made === null && this.ahead.get(name) === kept) this.drop(name);
    });
    return kept;
  }

  private drop(name: string): void {
    clearTimeout(this.ahead.get(name)?.expiry);
    this.ahead.delete(name);
  }
}

/** The page where there may be more behind it, so that nothing can be added to it; null otherwise, and when it could not be made. */
function fullOrNull(page: Promise<EventPage>): Promise<EventPage | null> {
  return page.then(
    (made) => (made.coveredTo === null ? made : null),
    () => null,
  );
}

/** What is asked for, the skipped events with it: once another is skipped, pages made before are asked for no more. */
const nameOf = (organizationId: string, query: PageQuery): string => JSON.stringify([organizationId, query]);
