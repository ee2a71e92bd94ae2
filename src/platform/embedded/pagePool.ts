// Threads that make pages of published events beside the one that answers requests: a reader of a
// long history holds up nobody else, and a second core is of use.

import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { UnreadableEventError } from '../../domain/events/registry.js';
import { UnavailableError } from '../../ports/errors.js';
import type { Position } from '../../ports/eventLog.js';
import type { EventPage, PageQuery } from '../../ports/eventPages.js';
import type { KeySubject } from '../../ports/keyStore.js';
import type { OpenEventPages, PageFiles } from './eventPages.js';
import { ReadAhead, type PageInTheMaking, type PageMaker } from './readAhead.js';
import { END, endThread, mayStartThreads, startThread } from './threads.js';

/** What a thread is told. They are carried out one after the other. */
export type PageOrder =
  | { kind: 'read'; number: number; organizationId: string; query: PageQuery }
  | { kind: 'forget'; subject: KeySubject }
  | typeof END;

/** What it answers to `read`: first `end`, as of a `PageInTheMaking`, unless it fails before. */
export type PageAnswer = { number: number } & ({ end: Position | null } | { page: EventPage } | { failure: PageFailure });

export interface PageFailure {
  kind: 'unreadable' | 'unavailable' | 'other';
  error: Error;
}

/** How many threads there are at most; each keeps 20,000 keys and has a cache of its own of the file. */
const MOST_THREADS = 4;

/** Opens `files` when they are first needed. */
export function openEventPages(files: PageFiles): OpenEventPages {
  return new ReadAhead(new PagePool(files, Math.min(MOST_THREADS, availableParallelism())));
}

export class PagePool implements PageMaker {
  private readonly threads = new Set<PageThread>();

  constructor(
    private readonly files: PageFiles,
    private readonly size: number,
  ) {}

  begin(organizationId: string, query: PageQuery): PageInTheMaking {
    return this.leastBusy().begin(organizationId, query);
  }

  beginInPassing(organizationId: string, query: PageQuery): PageInTheMaking | null {
    const isIdle = this.threads.size < this.size || [...this.threads].some(({ waiting }) => waiting === 0);
    return isIdle && mayStartThreads() ? this.leastBusy().begin(organizationId, query) : null;
  }

  forget(subject: KeySubject): void {
    for (const thread of this.threads) thread.send({ kind: 'forget', subject });
  }

  async close(): Promise<void> {
    await Promise.all([...this.threads].map((thread) => thread.close()));
  }

  private leastBusy(): PageThread {
    const [first] = [...this.threads].sort((a, b) => a.waiting - b.waiting);
    if (first !== undefined && (first.waiting === 0 || this.threads.size >= this.size)) return first;
    const started = new PageThread(this.files, () => this.threads.delete(started));
    this.threads.add(started);
    return started;
  }
}

/** Who waits for a page. */
interface Asker {
  ends(end: Position | null): void;
  resolve(page: EventPage): void;
  reject(error: Error): void;
}

/** One thread; when it ends by itself, what it had to do fails, and another takes its place. */
class PageThread {
  private readonly worker: Worker;
  private readonly asked = new Map<number, Asker>();
  private numbers = 0;

  constructor(files: PageFiles, ended: () => void) {
    this.worker = startThread(new URL('./pageWorker.js', import.meta.url), files);
    this.worker.unref();
    this.worker.on('message', (answer: PageAnswer) => this.settle(answer));
    let cause: unknown;
    this.worker.on('error', (error) => (cause = error));
    this.worker.on('exit', () => {
      ended();
      for (const asker of this.asked.values()) fail(asker, new UnavailableError('a thread that reads events ended', { cause }));
    });
  }

  /** How many pages it has still to make. */
  get waiting(): number {
    return this.asked.size;
  }

  begin(organizationId: string, query: PageQuery): PageInTheMaking {
    const number = (this.numbers += 1);
    let ends: Asker['ends'] = () => undefined;
    const end = new Promise<Position | null>((resolve) => (ends = resolve));
    const page = new Promise<EventPage>((resolve, reject) => this.asked.set(number, { ends, resolve, reject }));
    this.send({ kind: 'read', number, organizationId, query });
    return { page, end };
  }

  send(order: PageOrder): void {
    this.worker.postMessage(order);
  }

  /** Returns when it has let go of the files. */
  async close(): Promise<void> {
    await endThread(this.worker);
  }

  private settle(answer: PageAnswer): void {
    const asker = this.asked.get(answer.number);
    if (asker === undefined) return;
    if ('end' in answer) {
      asker.ends(answer.end);
      return;
    }
    this.asked.delete(answer.number);
    if ('page' in answer) asker.resolve(answer.page);
    else fail(asker, errorOf(answer.failure));
  }
}

function fail(asker: Asker, error: Error): void {
  asker.ends(null);
  asker.reject(error);
}

/** Errors lose their class between threads. */
function errorOf({ kind, error }: PageFailure): Error {
  if (kind === 'unreadable') return new UnreadableEventError(error.message, { cause: error.cause });
  if (kind === 'unavailable') return new UnavailableError('the embedded store could not be read', { cause: error });
  return error;
}
