// Checks the log from its first event on against the links, the heads in the log, the signed ends of
// the chains, and a head that was kept elsewhere; stops at the first thing that does not fit. Holds a
// page of events and of links at a time, and the last links of some organizations.

import { LRUCache } from 'lru-cache';
import type { ChainEnd, ChainStore, Link, SignedHead } from '../ports/chainStore.js';
import type { EventLog, Position, StoredEvent } from '../ports/eventLog.js';
import { EventCursor, type Next } from './eventCursor.js';
import type { HeadKeys } from './headKeys.js';
import { headOf, isHead } from './headSigner.js';
import { FIRST_HASH, linkHash } from './links.js';

const PAGE = 500;
const REMEMBERED = 10_000;

/** What does not fit; `forged`: links were written by somebody without the key. */
export interface Finding {
  kind: 'changed' | 'dropped' | 'added' | 'moved' | 'forged';
  organizationId: string;
  /** Which of the organization's events, from 1; null: it has none. */
  sequence: number | null;
  position: Position | null;
  stream: string | null;
  eventId: string | null;
  /** What else there is to say. */
  note: string | null;
}

export interface Audit {
  /** How many events have a link that fits. */
  events: number;
  organizations: number;
  /** How many heads in the log have a good signature, and how many are signed by keys that are not given. */
  heads: number;
  unknownHeads: number;
  /** How many events at the end of the log have no link as yet. */
  waiting: number;
  finding: Finding | null;
}

export interface VerifyChainDeps {
  log: EventLog;
  chain: ChainStore;
  keys: HeadKeys;
  /** A head that was kept elsewhere. */
  outside: SignedHead | null;
  report: (done: number, total: number) => void;
  signal: AbortSignal;
}

/** @throws UnavailableError, and what `signal` aborts with */
export async function verifyChain(deps: VerifyChainDeps): Promise<Audit> {
  return new ChainAudit(deps).run();
}

class ChainAudit {
  private readonly last = new LRUCache<string, { sequence: number; hash: string }>({ max: REMEMBERED });
  private readonly audit: Audit = { events: 0, organizations: 0, heads: 0, unknownHeads: 0, waiting: 0, finding: null };
  private total = 0;

  constructor(private readonly deps: VerifyChainDeps) {}

  async run(): Promise<Audit> {
    const { chain, outside, keys } = this.deps;
    const { position, links } = await chain.checkpoint();
    this.total = links;
    if (outside !== null && keys.check(outside) !== 'good') {
      this.audit.finding = forged(outside, 'the given head was not signed by a key of ENCRYPTION_KEY');
      return this.audit;
    }
    this.audit.finding = (await this.walk(position)) ?? (await this.checkEnds()) ?? (outside === null ? null : await this.checkAgainst(outside, 'the given head'));
    return this.audit;
  }

  private async walk(until: Position | null): Promise<Finding | null> {
    const { log, chain, report, signal } = this.deps;
    const events = new EventCursor(log);
    for (let number = 0; number < this.total; ) {
      signal.throwIfAborted();
      const page = await chain.links(number, Math.min(PAGE, this.total - number));
      for (const link of page) {
        if (link.number !== (number += 1)) return forged(link, `links before it are missing`);
        const finding = await this.compare(link, await events.next());
        if (finding !== null) return finding;
      }
      if (page.length === 0) return forged({ organizationId: '', sequence: null, position: null }, `the links from number ${number + 1} on are missing`);
      report(number, this.total);
    }
    return this.rest(events, until);
  }

  /** Events after the last link: those up to the checkpoint were added, and all of them where each is linked as it is stored. */
  private async rest(events: EventCursor, until: Position | null): Promise<Finding | null> {
    for (let event = await events.next(); event !== null; event = await events.next()) {
      this.deps.signal.throwIfAborted();
      if (event === 'damaged') return { ...nowhere, kind: 'added', note: 'it stands after the last link and cannot be read' };
      if (this.deps.log.compare(event.position, until) <= 0) return found('added', event, null);
      if (!this.deps.chain.linksAtOnce) this.audit.waiting += 1;
      else if (await this.isStranger(event)) return found('added', event, null, 'no service stored it');
    }
    return null;
  }

  /** Whether an event had no link though it was there: the checkpoint that is read after it had not come to it. */
  private async isStranger({ position }: StoredEvent): Promise<boolean> {
    return this.deps.log.compare(position, (await this.deps.chain.checkpoint()).position) > 0;
  }

  private async compare(link: Link, event: Next): Promise<Finding | null> {
    if (event === null) return found('dropped', null, link);
    if (event === 'damaged') return found('changed', null, link, 'it cannot be read');
    const samePlace = this.deps.log.compare(event.position, link.position) === 0;
    if (!samePlace || event.id !== link.eventId) return this.diagnose(link, event, samePlace);
    const previous = await this.before(link);
    if (previous === null) return forged(link, 'its links are not in order');
    if (event.metadata.organizationId !== link.organizationId) return found('changed', event, link);
    if (linkHash(previous, link.sequence, event) !== link.hash) return found('changed', event, link);
    this.last.set(link.organizationId, link);
    this.audit.events += 1;
    return isHead(event) ? this.checkHead(event, link) : null;
  }

  /** The link before one; null when it is not the next of its organization. */
  private async before({ organizationId, sequence, number }: Link): Promise<string | null> {
    const { chain } = this.deps;
    const known = this.last.get(organizationId);
    if (known !== undefined) return known.sequence === sequence - 1 ? known.hash : null;
    if (sequence === 1) {
      this.audit.organizations += 1;
      return (await chain.link(organizationId, 1))?.number === number ? FIRST_HASH : null;
    }
    const previous = await chain.link(organizationId, sequence - 1);
    return previous !== null && previous.number < number ? previous.hash : null;
  }

  /** What became of the event of `link`, where another stands. Looks at all that follows. */
  private async diagnose(link: Link, event: StoredEvent, samePlace: boolean): Promise<Finding> {
    if (event.id === link.eventId) return found('moved', event, link);
    const [hasLink, isThere] = [await this.isLinkedAfter(link, event.id), await this.isStored(link.eventId, event)];
    if (hasLink && isThere) return samePlace ? found('moved', event, null) : found('moved', null, link);
    if (hasLink) return found('dropped', null, link);
    if (isThere || !samePlace) return isThere ? found('added', event, null) : found('dropped', null, link);
    return found('changed', event, link);
  }

  private async isLinkedAfter({ number }: Link, eventId: string): Promise<boolean> {
    for (let after = number; ; ) {
      this.deps.signal.throwIfAborted();
      const page = await this.deps.chain.links(after, PAGE);
      if (page.some((link) => link.eventId === eventId)) return true;
      const last = page.at(-1);
      if (last === undefined) return false;
      after = last.number;
    }
  }

  private async isStored(eventId: string, from: StoredEvent): Promise<boolean> {
    const events = new EventCursor(this.deps.log, from.position);
    for (let event = await events.next(); event !== null && event !== 'damaged'; event = await events.next()) {
      this.deps.signal.throwIfAborted();
      if (event.id === eventId) return true;
    }
    return false;
  }

  private async checkHead(event: StoredEvent, link: Link): Promise<Finding | null> {
    const head = headOf(event);
    const checked = head === null ? 'bad' : this.deps.keys.check(head);
    if (checked === 'unknown') this.audit.unknownHeads += 1;
    if (checked === 'good') this.audit.heads += 1;
    if (head === null || checked === 'bad') return found('forged', event, link, 'its signature is not right');
    return checked === 'good' ? this.checkAgainst(head, `the head at position ${event.position}`) : null;
  }

  /** Whether the chain has the link that a good signature vouches for. */
  private async checkAgainst(head: SignedHead, name: string): Promise<Finding | null> {
    const { organizationId, sequence, hash } = head;
    const link = await this.deps.chain.link(organizationId, sequence);
    if (link === null) {
      const end = await this.deps.chain.end(organizationId);
      const lost = { ...nowhere, kind: 'dropped', organizationId, sequence: (end?.sequence ?? 0) + 1 } as const;
      return { ...lost, note: `${name} vouches for ${sequence} events of the organization; ${end?.sequence ?? 0} are there` };
    }
    return link.hash === hash ? null : forged(link, `the links up to it are not those that ${name} vouches for`);
  }

  /** The end of every chain is signed, and is its last link. */
  private async checkEnds(): Promise<Finding | null> {
    let chains = 0;
    for (let after: string | null = null; ; ) {
      this.deps.signal.throwIfAborted();
      const page: ChainEnd[] = await this.deps.chain.ends(after, PAGE);
      for (const end of page) {
        const finding = await this.checkEnd(end);
        if (finding !== null) return finding;
        const first = await this.deps.chain.link(end.organizationId, 1);
        if (first !== null && first.number <= this.total) chains += 1;
      }
      const last = page.at(-1);
      if (last === undefined) break;
      after = last.organizationId;
    }
    const lacking = this.audit.organizations - chains;
    return lacking === 0 ? null : forged({ organizationId: '', sequence: null, position: null }, `the ends of ${lacking} chains are missing`);
  }

  private async checkEnd(end: ChainEnd): Promise<Finding | null> {
    const { chain, keys } = this.deps;
    const checked = keys.checkEnd(end);
    if (checked === 'unknown') return forged(end, 'the end of its chain is signed by a key that is not in ENCRYPTION_KEY');
    if (checked === 'bad') return forged(end, 'the end of its chain has no right signature');
    if ((await chain.link(end.organizationId, end.sequence + 1)) !== null) {
      const later = await chain.end(end.organizationId);
      if (later === null || later.sequence === end.sequence) return forged(end, 'its links go on after the signed end');
      return this.checkEnd(later);
    }
    return this.checkAgainst(end, 'the signed end of its chain');
  }
}

const nowhere = { organizationId: '', sequence: null, position: null, stream: null, eventId: null, note: null };

/** What is wrong with `event`, or where the event of `link` should stand; one of them is there. */
function found(kind: Finding['kind'], event: StoredEvent | null, link: Link | null, note: string | null = null): Finding {
  const of = event === null ? nowhere : { organizationId: event.metadata.organizationId, position: event.position, stream: event.stream, eventId: event.id };
  if (link === null) return { ...nowhere, ...of, kind, note };
  const { organizationId, sequence, position, eventId } = link;
  return { ...nowhere, ...of, kind, organizationId, sequence, position: of.position ?? position, eventId, note };
}

function forged({ organizationId, sequence, position }: Pick<Finding, 'organizationId' | 'sequence' | 'position'>, note: string): Finding {
  return { ...nowhere, kind: 'forged', organizationId, sequence, position, note };
}
