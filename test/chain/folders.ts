// Data folders with chained events, and copies of them to tamper with.

import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Sqlite from 'libsql';
import { Chainer } from '../../src/chain/chainer.js';
import { ChainLinker } from '../../src/chain/linker.js';
import { HeadKeys } from '../../src/chain/headKeys.js';
import { HeadSigner } from '../../src/chain/headSigner.js';
import { verifyChain, type Audit } from '../../src/chain/verifyChain.js';
import { readSettings } from '../../src/config.js';
import { openHost } from '../../src/host.js';
import type { Host } from '../../src/operations/operation.js';
import type { SignedHead } from '../../src/ports/chainStore.js';
import { systemClock } from '../../src/ports/clock.js';
import { openPlatform } from '../contract/embedded.js';
import { temporaryFolder } from '../support/folder.js';
import { ENCRYPTION_KEY, testEnvironment } from '../support/service.js';

export const openTestHost = (dataDir: string, environment: Record<string, string> = {}) => openHost(readSettings({ ...testEnvironment, DATA_DIR: dataDir, ...environment }));

/** Chains all events of a host, until heads cover them. */
export async function chainAll({ platform, events, clock, ids }: Host, { keys = [ENCRYPTION_KEY], headEvery = { events: 10, ms: 1 } } = {}): Promise<void> {
  const { log, chain } = platform;
  const headKeys = new HeadKeys(keys);
  const failures: unknown[] = [];
  const signer = new HeadSigner({ log, events, keys: headKeys, clock, ids });
  const linker = new ChainLinker({ keys: headKeys, clock, onForged: (error) => failures.push(error) });
  const chainer = new Chainer({ log, chain, linker, clock, signer, onError: (error) => failures.push(error), headEvery });
  const stop = new AbortController();
  const running = chainer.run(stop.signal).catch((error: unknown) => failures.push(error));
  const isDone = async () => (await log.head()) === (await chain.checkpoint()).position && (await chain.due(new Date(8.64e15), 1)).length === 0;
  while (!(await isDone()) && failures.length === 0) await sleep(5);
  stop.abort();
  await running;
  if (failures.length > 0) throw failures[0];
}

/** A copy of a folder, changed by `tamper`. */
export function copyOf(dataDir: string, tamper: (file: Sqlite.Database) => void = () => undefined): string {
  const copy = temporaryFolder();
  cpSync(dataDir, copy, { recursive: true, filter: (name) => !name.includes('.lock') });
  const file = new Sqlite(join(copy, 'contacts.sqlite'));
  // Whoever writes into the file itself is stopped by no index.
  file.exec('DROP INDEX events_by_organization; DROP INDEX events_by_stream');
  tamper(file);
  try {
    // A service that goes on from there needs it.
    file.exec('CREATE UNIQUE INDEX events_by_stream ON events (stream, revision)');
  } catch {
    // Two events stand at one revision now.
  }
  file.close();
  return copy;
}

export async function audit(dataDir: string, { outside = null, keys = [ENCRYPTION_KEY] }: { outside?: SignedHead | null; keys?: string[] } = {}): Promise<Audit> {
  const headKeys = new HeadKeys(keys);
  const linker = new ChainLinker({ keys: headKeys, clock: systemClock, onForged: () => undefined });
  const { log, chain, close } = await openPlatform(dataDir, undefined, linker);
  try {
    const deps = { log, chain, keys: headKeys, outside, report: () => undefined, signal: new AbortController().signal };
    return await verifyChain(deps);
  } finally {
    await close();
  }
}
