// What a thread makes one after the other, ahead of whoever takes it: while one is made use of here,
// the next are being made there.

import { parentPort, type MessagePort, type Worker } from 'node:worker_threads';
import { END, endThread, startThread } from './threads.js';

/** The thread answers it with what comes after the last one, or null when there is none. */
type Order = 'next' | typeof END;

/** The side of whoever takes it. */
export class MadeAhead<Made> {
  private readonly worker: Worker;
  private readonly made: (Made | null)[] = [];
  /** Goes on when the next one is made, or none will be. */
  private arrived: () => void = () => undefined;
  private ended = false;

  /** `module` is what the thread runs, `workerData` what it is started with; it makes `ahead` of them before one is taken. */
  constructor(module: URL, workerData: unknown, ahead: number, youngMb?: number) {
    this.worker = startThread(module, workerData, youngMb);
    this.worker.unref();
    this.worker.on('message', (made: Made | null) => this.arrive(made));
    // Where it ends by itself, whoever takes does without it.
    this.worker.on('error', () => undefined).on('exit', () => this.end());
    for (let count = 0; count < ahead; count += 1) this.order();
  }

  /** The next one; null when there are no more, or they could not be made. */
  async next(): Promise<Made | null> {
    // Without this the process could end while it waits for the thread alone.
    this.worker.ref();
    if (this.made.length === 0 && !this.ended) await new Promise<void>((resolve) => (this.arrived = resolve));
    this.worker.unref();
    const made = this.made.shift() ?? null;
    if (made !== null) this.order();
    return made;
  }

  async close(): Promise<void> {
    await endThread(this.worker);
  }

  private order(): void {
    this.worker.postMessage('next' satisfies Order);
  }

  private arrive(made: Made | null): void {
    this.made.push(made);
    this.arrived();
  }

  private end(): void {
    this.ended = true;
    this.arrived();
  }
}

/** The side of the thread: `make` makes the next one, or null; once none is wanted any more `close` lets go of everything. */
export function makeAhead(make: () => unknown, close: () => void): void {
  const port = parentPort as MessagePort;
  port.on('message', (order: Order) => {
    if (order !== END) return port.postMessage(make());
    close();
    port.close();
  });
}
