// Work in a thread of its own, given to it and answered by messages.

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { UnavailableError } from '../../ports/errors.js';

/** How much of memory what a thread has just made may take before it is looked at for what is of no more use. */
const YOUNG_MB = 8;

/** What a thread is told when it is to end: it finishes what it is at and lets go of its files. */
export const END = null;

const running = new Set<Worker>();
let ending = false;

/**
 * Starts a module of ours (`….js`) in a thread. Where this runs from its source, the built module is taken.
 * @throws UnavailableError when the process is ending
 */
export function startThread(module: URL, workerData: unknown, youngMb = YOUNG_MB): Worker {
  if (ending) throw new UnavailableError('the process is ending');
  const beside = fileURLToPath(module);
  const worker = new Worker(existsSync(beside) ? beside : beside.replace('/src/', '/dist/'), { workerData, resourceLimits: { maxYoungGenerationSizeMb: youngMb } });
  running.add(worker);
  worker.once('exit', () => running.delete(worker));
  return worker;
}

/** Whether a thread may begin: not once the process is ending. */
export const mayStartThreads = (): boolean => !ending;

/** The next message that a thread sends. @throws whatever it throws, and when it ends without */
export async function answerOf<Answer>(worker: Worker): Promise<Answer> {
  const settled = new AbortController();
  const { signal } = settled;
  const ended = once(worker, 'exit', { signal }).then(() => {
    throw new Error('the thread ended without an answer');
  });
  try {
    const [answer] = (await Promise.race([once(worker, 'message', { signal }), ended])) as [Answer];
    return answer;
  } finally {
    settled.abort();
  }
}

/**
 * Tells a thread that it is to end, and waits until it has. To terminate it would abort the whole
 * process when it is in SQLite's driver just then.
 */
export async function endThread(worker: Worker): Promise<void> {
  if (!running.has(worker)) return;
  worker.ref();
  const ended = once(worker, 'exit');
  worker.postMessage(END);
  await ended;
}

/**
 * Has every thread end, and none begin any more, before the process is ended: that terminates them.
 * @returns whether all of them have ended within `ms`
 */
export async function endAllThreads(ms: number): Promise<boolean> {
  ending = true;
  const patience = new AbortController();
  const all = Promise.all([...running].map(endThread)).then(() => true);
  const late = sleep(ms, false, { signal: patience.signal }).catch(() => false);
  return Promise.race([all, late]).finally(() => patience.abort());
}
