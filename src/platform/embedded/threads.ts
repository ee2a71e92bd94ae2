// Work in a thread of its own, given to it and answered by messages.

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

/** The one message that a thread sends. @throws whatever it throws */
export async function answerOf<Answer>(worker: Worker): Promise<Answer> {
  return new Promise<Answer>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the thread ended without an answer')));
  });
}
