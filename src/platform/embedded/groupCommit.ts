// Group commit: writes asked for at about the same time share one transaction and so one sync to
// disk. Each is a savepoint of its own: one that fails undoes nothing but itself, and later ones
// see what earlier ones wrote. None is acknowledged before the sync.

import { UnavailableError } from '../../ports/errors.js';
import { isSqliteError, type Database } from './database.js';

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
  resolve: (value: never) => void;
  reject: (error: unknown) => void;
}

/** Told of each group that was written: how many writes it held, and how long its sync took. */
export type GroupObserver = (group: { writes: number; seconds: number }) => void;

export class GroupCommit {
  private queue: Job[] = [];
  private scheduled = false;
  private readonly participants: Participant[] = [];

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
    return new Promise<Result>((resolve, reject) => {
      this.queue.push({ work, resolve, reject });
      if (this.scheduled) return;
      this.scheduled = true;
      // After all that is ready by now has been heard, so that requests which came together go together.
      setImmediate(() => this.flush());
    });
  }

  private flush(): void {
    const jobs = this.queue;
    this.queue = [];
    this.scheduled = false;
    try {
      this.write(jobs);
    } catch (error) {
      this.recover();
      const unavailable = new UnavailableError('the embedded store could not be written', { cause: error });
      for (const job of jobs) job.reject(unavailable);
    }
  }

  private write(jobs: readonly Job[]): void {
    this.database.run('BEGIN IMMEDIATE');
    const settle = jobs.map((job) => this.attempt(job));
    for (const participant of this.participants) participant.beforeCommit?.();
    const start = performance.now();
    this.database.run('COMMIT');
    const seconds = (performance.now() - start) / 1_000;
    for (const participant of this.participants) participant.committed?.();
    for (const answer of settle) answer();
    this.observe({ writes: jobs.length, seconds });
  }

  /** Carries out one job; returns what tells its caller of the outcome. A failure of SQLite fails the group. */
  private attempt(job: Job): () => void {
    this.database.run('SAVEPOINT job');
    try {
      const result = job.work() as never;
      this.database.run('RELEASE job');
      return () => job.resolve(result);
    } catch (error) {
      if (isSqliteError(error)) throw error;
      this.database.run('ROLLBACK TO job');
      this.database.run('RELEASE job');
      return () => job.reject(error);
    }
  }

  private recover(): void {
    for (const participant of this.participants) participant.failed?.();
    try {
      this.database.close();
    } catch {
      // A file that cannot be closed is let go of all the same: the next use opens it anew.
    }
  }
}
