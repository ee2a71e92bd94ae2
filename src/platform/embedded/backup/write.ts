// Writes a backup of the embedded store: `events/` holds events and state, `keys/` the keys of
// personal data and the secrets that the service made for itself.

import { copyFileSync, existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Backup, BackedUp, CopyReport } from '../../../ports/backup.js';
import { UnavailableError } from '../../../ports/errors.js';
import { isSqliteError } from '../database.js';
import { FolderError, makeFolder } from '../folder.js';
import { readModelTables, storeFile } from '../layout.js';
import { SnapshotCopy, type Replacements } from './copying.js';
import { BackupError, writeManifest, MANIFEST } from './manifest.js';

/** Secrets that the service makes for itself where none are set. */
export const MADE_SECRETS = ['encryption-key', 'jwt-secret'] as const;

export class EmbeddedBackup implements Backup {
  private readonly writing = new Set<string>();

  /** `dataDir` is the folder of the store's files. */
  constructor(private readonly dataDir: string) {}

  async write(folder: string, report: CopyReport, signal: AbortSignal): Promise<BackedUp> {
    // Two would write into one unfinished copy. Another process has no part in it: it has not the lock.
    if (this.writing.has(folder)) throw new BackupError(`${folder}: another backup is being written there`);
    this.writing.add(folder);
    try {
      return await this.writeAlone(folder, report, signal);
    } finally {
      this.writing.delete(folder);
    }
  }

  private async writeAlone(folder: string, report: CopyReport, signal: AbortSignal): Promise<BackedUp> {
    const unfinished = `${folder}.unfinished`;
    try {
      await rm(unfinished, { recursive: true, force: true });
      for (const part of ['events', 'keys']) makeFolder(join(unfinished, part));
      const events = await this.copyAll(unfinished, report, signal);
      await rename(unfinished, folder);
      await syncFile(dirname(folder));
      return { events, position: events === 0 ? null : String(events) };
    } catch (error) {
      await rm(unfinished, { recursive: true, force: true });
      if (signal.aborted || !isStorageError(error)) throw error;
      throw new UnavailableError('the backup could not be written', { cause: error });
    }
  }

  /** Keys are copied as of a moment after that of the events: no event lacks its key. */
  private async copyAll(folder: string, report: CopyReport, signal: AbortSignal): Promise<number> {
    const createdAt = new Date().toISOString();
    const [eventsDir, keysDir] = [join(folder, 'events'), join(folder, 'keys')];
    const store = SnapshotCopy.begin(join(this.dataDir, storeFile.events), join(eventsDir, storeFile.events));
    try {
      const position = store.number('SELECT coalesce(max(position), 0) AS position FROM main.events', 'position');
      const keyLayout = await this.copyKeys(keysDir, report, signal);
      await copyTables(store, { left: readModelTables, replacements: withoutAnswers }, counting(report, 'events', position), signal);
      const secrets = this.copySecrets(keysDir);
      await writeManifest(eventsDir, { holds: 'events', createdAt, layout: store.layout(), position, files: [storeFile.events] });
      await writeManifest(keysDir, { holds: 'keys', createdAt, layout: keyLayout, position, files: [storeFile.keys, ...secrets] });
      for (const name of [storeFile.events, MANIFEST, '.']) await syncFile(join(eventsDir, name));
      for (const name of [storeFile.keys, ...secrets, MANIFEST, '.']) await syncFile(join(keysDir, name));
      return position;
    } finally {
      store.close();
    }
  }

  private async copyKeys(folder: string, report: CopyReport, signal: AbortSignal): Promise<number> {
    const keys = SnapshotCopy.begin(join(this.dataDir, storeFile.keys), join(folder, storeFile.keys));
    try {
      const total = keys.number('SELECT count(*) AS total FROM main.keys', 'total');
      await copyTables(keys, { left: new Set(), replacements: {} }, counting(report, 'keys', total), signal);
      return keys.layout();
    } finally {
      keys.close();
    }
  }

  private copySecrets(folder: string): string[] {
    const made = MADE_SECRETS.filter((name) => existsSync(join(this.dataDir, name)));
    for (const name of made) copyFileSync(join(this.dataDir, name), join(folder, name));
    return made;
  }
}

/** Answers show people as they are: what a request made is found again by the ids that it reserved. */
const withoutAnswers: Replacements = { idempotency: { answer: 'NULL', claimed_at: '0' } };

interface Selection {
  left: ReadonlySet<string>;
  replacements: Replacements;
}

async function copyTables(copy: SnapshotCopy, { left, replacements }: Selection, copied: (table: string, rows: number) => void, signal: AbortSignal) {
  const tables = copy.tables(left);
  copy.createTables(tables);
  await copy.copyRows(tables, copied, signal, replacements);
  copy.commit();
}

/** Reports the rows of one table, after which what is counted is called. */
function counting(report: CopyReport, table: string, total: number) {
  let done = 0;
  return (copied: string, rows: number) => {
    if (copied !== table) return;
    done += rows;
    report({ done, total, unit: table });
  };
}

/** Waits until a file or folder is on disk. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Whether an error is SQLite's or the file system's: a full disk, a folder that may not be written. */
export function isStorageError(error: unknown): boolean {
  return isSqliteError(error) || error instanceof FolderError || (error instanceof Error && 'syscall' in error);
}
