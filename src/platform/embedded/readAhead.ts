// Pages made before they are asked for: whoever was given a full page is likely to ask for the one
// after it, and a thread has it ready while the first is still being sent and read. A full page
// never changes, but by an erasure or a skip.

import type { EventPage, PageQuery } from '../../ports/eventPages.js';
import type { KeySubject } from '../../ports/keyStore.js';
import type { OpenEventPages } from './eventPages.js';

/** Who makes pages. */
export interface PageMaker extends OpenEventPages {
  /** As `read`, by somebody who has nothing else to do; null when there is nobody. */
  readInPassing(organizationId: string, query: PageQuery): Promise<EventPage> | null;
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
  expiry: NodeJS.Timeout;
}

export class ReadAhead implements OpenEventPages {
  private readonly ahead = new Map<string, PageAhead>();

  constructor(private readonly maker: PageMaker) {}

  async read(organizationId: string, query: PageQuery): Promise<EventPage> {
    const name = nameOf(organizationId, query);
    const kept = this.ahead.get(name);
    this.drop(name);
    const ready = (await kept?.page) ?? null;
    const page = ready ?? (await this.maker.read(organizationId, query));
    void this.goOn(organizationId, query, page, ready === null ? 1 : PAGES_AHEAD);
    return page;
  }

  /** Keeps no page of the organization, not even one that is being made. */
  forget(subject: KeySubject): void {
    this.maker.forget(subject);
    for (const [name, kept] of this.ahead) if (kept.organizationId === subject.organizationId) this.drop(name);
  }

  async close(): Promise<void> {
    for (const name of this.ahead.keys()) this.drop(name);
    await this.maker.close();
  }

  /** Has `count` pages made after `page`, one after the other, as long as there is room and nobody else has work. */
  private async goOn(organizationId: string, query: PageQuery, page: EventPage, count: number): Promise<void> {
    if (count === 0 || !isFull(page)) return;
    const next = { ...query, after: page.position };
    const name = nameOf(organizationId, next);
    const kept = this.ahead.get(name) ?? this.begin(name, organizationId, next);
    const made = await kept?.page;
    // Who has taken it meanwhile goes on by himself.
    if (made && this.ahead.get(name) === kept) await this.goOn(organizationId, next, made, count - 1);
  }

  private begin(name: string, organizationId: string, query: PageQuery): PageAhead | null {
    const making = this.ahead.size < MOST_PAGES ? this.maker.readInPassing(organizationId, query) : null;
    if (making === null) return null;
    const page = making.then(
      (made) => (isFull(made) ? made : null),
      () => null,
    );
    const kept = { organizationId, page, expiry: setTimeout(() => this.drop(name), KEPT_MS).unref() };
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

/** Whether there may be more behind it, so that nothing can be added to it. */
const isFull = ({ coveredTo }: EventPage): boolean => coveredTo === null;

/** What is asked for, the skipped events with it: once another is skipped, pages made before are asked for no more. */
const nameOf = (organizationId: string, query: PageQuery): string => JSON.stringify([organizationId, query]);
