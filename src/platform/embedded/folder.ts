// Folders of ours: made where they are missing, and what stands in the way told in plain words.

import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** A folder cannot be made or written to. */
export class FolderError extends Error {
  override readonly name = 'FolderError';
}

const reasons: Record<string, string> = {
  EACCES: 'there is no permission to write there',
  EPERM: 'there is no permission to write there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota of the disk is used up',
  ENOTDIR: 'a file is in its place, or in that of a folder above it',
  ENOENT: 'no folder can be made there',
  ELOOP: 'its symbolic links lead in a circle',
  ENAMETOOLONG: 'the name is too long',
};

const TRIAL = 'contacts.trial';
/** A page of the files that will lie there, in bytes. */
const TRIAL_BYTES = 4_096;

/**
 * Makes a folder, and those above it that are missing, their owner's alone. Not by mkdir's own
 * `recursive`, which never ends where the system finds no place for the folder, as below /proc.
 * @throws FolderError
 */
export function makeFolder(path: string): void {
  const missing: string[] = [];
  for (let at = resolve(path); !existsSync(at); at = dirname(at)) missing.unshift(at);
  telling(path, () => missing.forEach(makeOne));
}

/** Makes a folder where it is missing, and tries whether it can be written to. @throws FolderError */
export function makeWritableFolder(path: string): void {
  makeFolder(path);
  const trial = join(path, TRIAL);
  telling(path, () => {
    try {
      writeFileSync(trial, Buffer.alloc(TRIAL_BYTES), { mode: 0o600 });
    } finally {
      rmSync(trial, { force: true });
    }
  });
}

function makeOne(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Somebody else has made it meanwhile; or it is no folder, as what is done there next says.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function telling(path: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new FolderError(`${path}: ${reasons[code] ?? message}`, { cause: error });
  }
}
