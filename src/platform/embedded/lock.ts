// The lock on a data folder: held by the operating system for as long as the process lives, so
// that a kill releases it and no file tells of a process that is gone.

import { setTimeout as sleep } from 'node:timers/promises';
import { isSqliteError, openFile } from './database.js';

/** How long a start waits for another process to let go, in ms. */
export const LOCK_WAIT_MS = 5_000;

/** Another process holds the data folder. */
export class LockedError extends Error {
  override readonly name = 'LockedError';
}

export interface Lock {
  release(): void;
}

/**
 * Takes the lock file `file`, waiting up to `waitMs` for whoever holds it.
 * @throws LockedError when it is still held then
 * @throws SqliteError when the file cannot be opened
 */
export async function takeLock(file: string, waitMs = LOCK_WAIT_MS): Promise<Lock> {
  const handle = opened(file);
  const deadline = Date.now() + waitMs;
  for (;;) {
    try {
      // An open exclusive transaction of SQLite is a lock of the operating system on the file.
      handle.exec('BEGIN EXCLUSIVE');
      return { release: () => void handle.close() };
    } catch (error) {
      const held = isSqliteError(error) && error.code.startsWith('SQLITE_BUSY');
      if (!held || Date.now() >= deadline) handle.close();
      if (!held) throw error;
      if (Date.now() >= deadline) throw new LockedError(`another process is using ${file}`);
      await sleep(100);
    }
  }
}

function opened(file: string) {
  try {
    return openFile(file, 0);
  } catch (error) {
    if (isSqliteError(error)) error.message = `${file}: ${error.message}`;
    throw error;
  }
}
