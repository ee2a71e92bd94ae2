// Copies events, state and keys into a new folder, beside whatever else is done with them.

import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, isAbsolute } from 'node:path';
import { z } from 'zod';
import { OperationError, type Host, type Operation, type Report } from './operation.js';

const paramsSchema = z.object({
  /** The folder to make, as an absolute path; one that is there must be empty. */
  folder: z.string().refine(isAbsolute, 'must be an absolute path'),
});

const resultSchema = z.object({ events: z.number(), position: z.string().nullable() });

type BackupParams = z.infer<typeof paramsSchema>;
type BackupResult = z.infer<typeof resultSchema>;

export const backupOperation: Operation<BackupParams, BackupResult> = {
  name: 'backup',
  params: paramsSchema,
  result: resultSchema,
  run: backUp,
};

async function backUp({ platform }: Host, { folder }: BackupParams, report: Report, signal: AbortSignal): Promise<BackupResult> {
  if (platform.backup === undefined) {
    throw new OperationError('EventStoreDB and MongoDB are backed up by their own tools');
  }
  requireNewFolder(folder);
  return platform.backup.write(folder, report, signal);
}

/** @throws OperationError when `folder` cannot be made */
function requireNewFolder(folder: string): void {
  const parent = dirname(folder);
  if (!existsSync(parent) || !statSync(parent).isDirectory()) throw new OperationError(`${parent}: no such folder`);
  if (!existsSync(folder)) return;
  if (!statSync(folder).isDirectory()) throw new OperationError(`${folder}: is no folder`);
  if (readdirSync(folder).length > 0) throw new OperationError(`${folder}: is not empty; a backup makes a new folder`);
}
