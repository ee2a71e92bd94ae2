// Makes a data folder of a backup. All is checked before anything is changed, and nothing is left
// of a restore that fails.

import { existsSync } from 'node:fs';
import { copyFile, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import Sqlite from 'libsql';
import type { BackedUp, CopyReport } from '../../../ports/backup.js';
import { UnavailableError } from '../../../ports/errors.js';
import { KeyWrapping, wrappingKeysOf } from '../../wrapping.js';
import { isSqliteError } from '../database.js';
import { makeFolder } from '../folder.js';
import { keyMigrations, readModelTables, storeFile, storeMigrations } from '../layout.js';
import { migrate, type Migration } from '../migrate.js';
import { SnapshotCopy } from './copying.js';
import { BackupError, readManifest } from './manifest.js';
import { isStorageError, MADE_SECRETS, syncFile } from './write.js';

export interface RestoreOptions {
  /** The folder of the backup. */
  folder: string;
  /** The folder of its keys, or of those of a later backup. */
  keysFolder: string;
  /** The folder to make; one that is there must be empty. */
  dataDir: string;
  /** The wrapping keys, in base64; null: the backup's own is used. */
  encryptionKeys: readonly string[] | null;
}

/**
 * Restores a backup. Read models are made at the next start.
 * @throws BackupError when it cannot be used, or the data folder is not empty
 * @throws WrongWrappingKeyError
 * @throws UnavailableError when it could not be read or written
 */
export async function restoreEmbedded(options: RestoreOptions, report: CopyReport, signal: AbortSignal): Promise<BackedUp> {
  const { folder, keysFolder, dataDir } = options;
  const eventsFolder = join(folder, 'events');
  await requireEmpty(dataDir);
  const events = await readManifest(eventsFolder, 'events');
  const keys = await readManifest(keysFolder, 'keys');
  requireLayout(eventsFolder, events.layout, storeMigrations);
  requireLayout(keysFolder, keys.layout, keyMigrations);
  if (keys.position < events.position) throw new BackupError(`${keysFolder}: the keys are of an earlier moment than the events`);
  await requireWrappingKey(options);
  requireKeys(join(eventsFolder, storeFile.events), join(keysFolder, storeFile.keys));
  const wasThere = existsSync(dataDir);
  const unfinished = join(dataDir, 'unfinished-restore');
  try {
    makeFolder(unfinished);
    await refill(join(keysFolder, storeFile.keys), join(unfinished, storeFile.keys), keyMigrations, () => undefined, signal);
    const count = counting(report, events.position);
    await refill(join(eventsFolder, storeFile.events), join(unfinished, storeFile.events), storeMigrations, count, signal);
    const secrets = MADE_SECRETS.filter((name) => name in keys.files);
    for (const name of secrets) await copyFile(join(keysFolder, name), join(unfinished, name));
    // The events come last: without them a folder counts as empty of data.
    for (const name of [...secrets, storeFile.keys, storeFile.events]) {
      await syncFile(join(unfinished, name));
      await rename(join(unfinished, name), join(dataDir, name));
    }
    await rmdir(unfinished);
    await syncFile(dataDir);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    if (!wasThere) await rm(dataDir, { recursive: true, force: true });
    if (signal.aborted || !isStorageError(error)) throw error;
    throw new UnavailableError('the backup could not be restored', { cause: error });
  }
  return { events: events.position, position: events.position === 0 ? null : String(events.position) };
}

async function requireEmpty(dataDir: string): Promise<void> {
  const found = await readdir(dataDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new BackupError(`DATA_DIR ${dataDir}: ${error.code === 'ENOTDIR' ? 'is no folder' : error.message}`);
  });
  if (found.length > 0) throw new BackupError(`DATA_DIR ${dataDir}: is not empty; restore makes a new one`);
}

function requireLayout(folder: string, layout: number, migrations: readonly Migration[]): void {
  if (layout <= migrations.length) return;
  throw new BackupError(`${folder}: was written by a newer version (layout ${layout}; this one knows up to ${migrations.length})`);
}

async function requireWrappingKey({ keysFolder, encryptionKeys }: RestoreOptions): Promise<void> {
  const made = await readFile(join(keysFolder, 'encryption-key'), 'utf8').catch(() => null);
  const given = encryptionKeys ?? (made === null ? null : [made]);
  if (given === null) throw new BackupError('ENCRYPTION_KEY: must be set: the backup was made where it was');
  const known = lookInto(join(keysFolder, storeFile.keys), (file) => file.prepare('SELECT fingerprint FROM wrapping_check').all([]) as { fingerprint: string }[]);
  new KeyWrapping(wrappingKeysOf(given)).verify(known.map(({ fingerprint }) => fingerprint));
}

/** Every contact's events need its key. */
function requireKeys(eventsFile: string, keysFile: string): void {
  const count = lookInto(eventsFile, (file) => {
    file.prepare('ATTACH ? AS keyed').run([keysFile]);
    const lacking = file.prepare(`SELECT count(*) AS count FROM (
      SELECT stream FROM events WHERE revision = 0 AND stream >= 'contact-' AND stream < 'contact.'
      EXCEPT SELECT 'contact-' || organization || '-' || id FROM keyed.keys)`);
    return (lacking.get([]) as { count: number }).count;
  });
  if (count > 0) throw new BackupError(`${keysFile}: lacks the keys of ${count} contacts`);
}

/** What `look` finds in a file of the backup. @throws BackupError that names the file when it cannot be used */
function lookInto<Found>(path: string, look: (file: Sqlite.Database) => Found): Found {
  const file = new Sqlite(path);
  try {
    return look(file);
  } catch (error) {
    throw isSqliteError(error) ? new BackupError(`${path}: ${error.message}`) : error;
  } finally {
    file.close();
  }
}

/** Makes a file of the backup's layout and copies the backup's rows into it. */
async function refill(
  source: string,
  target: string,
  migrations: readonly Migration[],
  copied: (table: string, rows: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const copy = SnapshotCopy.begin(source, target, (layout) => makeFile(target, migrations.slice(0, layout)));
  try {
    // A backup of an earlier version may hold some that are made from the events.
    const tables = copy.tables(readModelTables);
    await copy.copyRows(tables, copied, signal);
    copy.commit();
  } finally {
    copy.close();
  }
}

/** A file that `migrations` make; without the write-ahead log that an open one has. */
function makeFile(path: string, migrations: readonly Migration[]): void {
  const file = new Sqlite(path);
  try {
    migrate({ get: <Result>(sql: string) => file.prepare(sql).get([]) as Result, script: (sql) => void file.exec(sql) }, migrations);
  } finally {
    file.close();
  }
}

function counting(report: CopyReport, total: number) {
  let done = 0;
  return (table: string, rows: number) => {
    if (table !== 'events') return;
    done += rows;
    report({ done, total, unit: 'events' });
  };
}
