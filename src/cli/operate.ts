// How a command carries out an operation: by the service that runs on the data folder, or by
// itself when none does. Interrupting the command aborts the operation.

import { existsSync } from 'node:fs';
import { readSettings } from '../config.js';
import type { Json } from '../domain/json.js';
import { openHost } from '../host.js';
import { connectToService, runRemotely } from '../operations/controlClient.js';
import { OperationError, type Host, type Operation, type Report } from '../operations/operation.js';
import { showProgress } from './progress.js';
import { withSecrets } from './secrets.js';

/**
 * Carries out `operation` on the data that the environment's settings name, with progress on
 * standard error. `makesFolder`: a folder for the data is made where there is none; nothing else has
 * any business with data that are not there.
 * @throws OperationError when it cannot be done, and what opening the data throws
 */
export async function operate<Params, Result extends Json>(
  operation: Operation<Params, Result>,
  params: Params,
  { makesFolder = false } = {},
): Promise<Result> {
  const signal = interruption();
  const progress = showProgress(process.stderr);
  const { DATA_DIR, EVENTSTORE_URL, MONGODB_URL } = readSettings(process.env);
  const isEmbedded = EVENTSTORE_URL === undefined || MONGODB_URL === undefined;
  if (!makesFolder && isEmbedded && !existsSync(DATA_DIR)) throw new OperationError(`DATA_DIR ${DATA_DIR}: no such folder`);
  try {
    const service = (await connectToService(DATA_DIR)) ?? (await openAlone(DATA_DIR, progress.report, operation.fills));
    if ('platform' in service) return await runAlone(service, (host) => operation.run(host, params, progress.report, signal));
    return await runRemotely(service, operation, params, progress.report, signal);
  } finally {
    progress.end();
  }
}

/** The data opened by this process; or a connection to the service that took it meanwhile. */
async function openAlone(dataDir: string, report: Report, fills = false) {
  try {
    return await openHost(withSecrets(readSettings(process.env)), report, undefined, fills);
  } catch (error) {
    const service = error instanceof Error && error.name === 'LockedError' ? await connectToService(dataDir) : null;
    if (service === null) throw error;
    return service;
  }
}

async function runAlone<Result>(host: Host, run: (host: Host) => Promise<Result>): Promise<Result> {
  try {
    return await run(host);
  } finally {
    await host.platform.close();
  }
}

/** Aborts at the first SIGINT or SIGTERM; the second ends the process. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  const abort = () => controller.abort(new OperationError('interrupted'));
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, abort);
  return controller.signal;
}
