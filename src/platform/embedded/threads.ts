// Work in a thread of its own, given to it and answered by messages.

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

/** How much of memory what a thread has just made may take before it is looked at for what is of no more use. */
const YOUNG_MB = 8;

/** Starts a module of ours (`….js`) in a thread. Where this runs from its source, the built module is taken. */
export function startThread(module: URL, workerData: unknown): Worker {
  const beside = fileURLToPath(module);
  return new Worker(existsSync(beside) ? beside : beside.replace('/src/', '/dist/'), { workerData, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
}

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
 * Tells a thread that it is to end, and waits until it has: it finishes what it is at and lets go of
 * its files. To terminate it would end the whole process when it is in SQLite's driver just then.
 */
export async function endThread(worker: Worker, order: unknown): Promise<void> {
  worker.ref();
  const ended = once(worker, 'exit');
  worker.postMessage(order);
  await ended;
}
