// Work in a thread of its own, given to it and answered by messages.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

/** Starts the module `name` of this folder in a thread. Where this runs from its source, the built module is taken. */
export function startThread(name: string, workerData: unknown): Worker {
  const beside = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  return new Worker(existsSync(beside) ? beside : beside.replace('/src/', '/dist/'), { workerData });
}

/** The one message that a thread sends. @throws whatever it throws */
export async function answerOf<Answer>(worker: Worker): Promise<Answer> {
  return new Promise<Answer>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the thread ended without an answer')));
  });
}
