// Group commit: writes asked for at about the same time share one transaction and so one sync to
// disk. Each is a savepoint of its own, or undoes itself: one that fails undoes nothing else, and later
// ones see what earlier ones wrote. None is acknowledged before the sync.

import { UnavailableError } from '../../ports/errors.js';
import { isSqliteError, type Database } from './database.js';

/** For how long a group waits at most while others keep coming, in ms: a small one costs as much as a large one. */
const GATHER_MS = 20;
/** How long a write waits at most that nobody waits for, in ms. */
const IN_PASSING_MS = 50;
/** How many works done ahead share a transaction: a page of an index that they all touch is written once. */
const WORKS_AHEAD = 24;

/** What takes part in every transaction of a file besides the writes themselves. */
export interface Participant {
  /** After the writes of a group, before it is committed. What it throws fails the group. */
  beforeCommit?(): void;
  /** The group is on disk. */
  committed?(): void;
  /** The group is not, or may not be: whatever was remembered of it must be forgotten. */
  failed?(): void;
}

interface Job {
  work: () => unknown;
  /** Whether what it wrote must be undone for it when it throws. */
  guarded: boolean;
  resolve: (value: never) => void;
  reject: (error: unknown) => void;
}

/** Told of each group that was written: how many writes it held, and how long its sync took. */
export type GroupObserver = (group: { writes: number; seconds: number }) => void;

export class GroupCommit {
  private queue: Job[] = [];
  private gathering = false;
  private readonly participants: Participant[] = [];
  /** How many works are done in the transaction that is open; 0: none is. */
  private ahead = 0;

  constructor(
    private readonly database: Database,
    private readonly observe: GroupObserver = () => undefined,
  ) {}

  /** Takes part in every group from now on. */
  join(participant: Participant): void {
    this.participants.push(participant);
  }

  /**
   * Carries out `work`, which must be synchronous, in the next group; its result comes when the
   * group is on disk. What `work` throws undoes it and is passed on.
   * @throws UnavailableError when the group could not be written
   */
  run<Result>(work: () => Result): Promise<Result> {
    return this.soon(work, true);
  }

  /** As `run`, of work that leaves nothing behind when it throws: it needs no savepoint, which takes as long as a small write. */
  runUnguarded<Result>(work: () => Result): Promise<Result> {
    return this.soon(work, false);
  }

  /** As `run`, for what nobody waits for: it goes with the next group, or after a while in one of its own. */
  runInPassing<Result>(work: () => Result): Promise<Result> {
    const result = this.enqueue(work, true);
    setTimeout(() => {
      if (this.queue.length > 0 && !this.gathering) this.flush();
    }, IN_PASSING_MS);
    return result;
  }

  /**
   * Carries out `work` at once, in a transaction that stays open for more of the kind: for who has
   * the store for himself and can begin again at what is on disk. It is there after `settle`, at
   * the latest, or any other write. What `work` throws undoes all of the transaction.
   * @throws UnavailableError when it could not be written; all of the transaction is undone then, too
   */
  async runAhead<Result>(work: () => Result): Promise<Result> {
    try {
      if (this.ahead === 0) this.database.run('BEGIN IMMEDIATE');
      this.ahead += 1;
      const result = work();
      if (this.ahead === WORKS_AHEAD) this.commit(this.ahead);
      return result;
    } catch (error) {
      this.recover();
      throw isSqliteError(error) ? notWritten(error) : error;
    }
  }

  /** Has what was done ahead on disk. @throws UnavailableError when it could not be written: it is undone then */
  async settle(): Promise<void> {
    if (this.ahead > 0) await this.run(() => undefined);
  }

  private soon<Result>(work: () => Result, guarded: boolean): Promise<Result> {
    const result = this.enqueue(work, guarded);
    if (!this.gathering) {
      this.gathering = true;
      this.gather(0, performance.now());
    }
    return result;
  }

  private enqueue<Result>(work: () => Result, guarded: boolean): Promise<Result> {
    return new Promise((resolve, reject) => void this.queue.push({ work, guarded, resolve, reject }));
  }

  /** Goes round the event loop until all that is ready by now was heard: requests that come together go together. */
  private gather(known: number, since: number): void {
    setImmediate(() => {
      if (this.queue.length > known && performance.now() - since < GATHER_MS) this.gather(this.queue.length, since);
      else this.flush();
    });
  }

  private flush(): void {
    const jobs = this.queue;
    this.queue = [];
    this.gathering = false;
    try {
      this.write(jobs);
    } catch (error) {
      this.recover();
      const unavailable = notWritten(error);
      for (const job of jobs) job.reject(unavailable);
    }
  }

  private write(jobs: readonly Job[]): void {
    if (this.ahead > 0) this.commit(this.ahead);
    this.database.run('BEGIN IMMEDIATE');
    const settle = jobs.map((job) => this.attempt(job));
    for (const participant of this.participants) participant.beforeCommit?.();
    this.commit(jobs.length);
    for (const answer of settle) answer();
  }

  private commit(writes: number): void {
    const start = performance.now();
    this.database.run('COMMIT');
    const seconds = (performance.now() - start) / 1_000;
    this.ahead = 0;
    for (const participant of this.participants) participant.committed?.();
    this.observe({ writes, seconds });
  }

  /** Carries out one job; returns what tells its caller of the outcome. A failure of SQLite fails the group. */
  private attempt({ work, guarded, resolve, reject }: Job): () => void {
    if (guarded) this.database.run('SAVEPOINT job');
    try {
      const result = work() as never;
      if (guarded) this.database.run('RELEASE job');
      return () => resolve(result);
    } catch (error) {
      if (isSqliteError(error)) throw error;
      if (guarded) {
        this.database.run('ROLLBACK TO job');
        this.database.run('RELEASE job');
      }
      return () => reject(error);
    }
  }

  private recover(): void {
    this.ahead = 0;
    for (const participant of this.participants) participant.failed?.();
    try {
      this.database.close();
    } catch {
      // A file that cannot be closed is let go of all the same: the next use opens it anew.
    }
  }
}

const notWritten = (cause: unknown) => new UnavailableError('the embedded store could not be written', { cause });
