// The thread of `fileCheck.ts`: a connection of its own, which keeps nobody from writing.

import { parentPort, workerData } from 'node:worker_threads';
import Sqlite from 'libsql';
import { checkFile } from './fileCheck.js';

const handle = new Sqlite(workerData as string, { timeout: 5_000 });
try {
  handle.exec('BEGIN');
  parentPort?.postMessage(checkFile(handle));
  handle.exec('ROLLBACK');
} finally {
  handle.close();
}
