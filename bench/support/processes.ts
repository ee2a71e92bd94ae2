// The service and its baselines, each in a process of its own, ended by its process id.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createSecretKey } from 'node:crypto';
import jwt from 'jsonwebtoken';

const ROOT = new URL('../../../', import.meta.url);
const JWT_SECRET = 'a secret for benches only, long enough to be one';

export interface Running {
  origin: string;
  /** Resident memory, in MB. */
  memory(): number;
  /** Processor time used since its start, in seconds. */
  cpu(): number;
  /** From the start of the process to its first answer, in ms. */
  startedInMs: number;
  stop(): Promise<void>;
}

/** A folder that is removed when this process ends. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'contacts-bench-'));
  atExit.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What is to be done when this process ends, last first. */
const atExit: (() => void)[] = [];
process.once('exit', () => {
  for (const action of atExit.reverse()) action();
});

/** A token for `organizationId`, good for an hour. */
export function tokenFor(organizationId: string): string {
  return jwt.sign({ organizationId }, createSecretKey(JWT_SECRET, 'utf8'), { algorithm: 'HS256', subject: 'bench', expiresIn: 3600 });
}

/** Starts the built service; limits are on but never reached, logs go to a file in `dataDir`. */
export function startService(dataDir: string, environment: Record<string, string> = {}): Promise<Running> {
  const env = {
    DATA_DIR: dataDir,
    JWT_SECRET,
    ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
    NODE_ENV: 'production',
    RATE_LIMIT_PER_HOUR: '999999999',
    RATE_LIMIT_PER_MINUTE: '999999999',
    ...environment,
  };
  return start([fileURLToPath(new URL('bin/contacts.js', ROOT)), 'serve'], env, dataDir);
}

/** Starts a baseline: the compiled `bench/baselines/<name>.js`. */
export function startBaseline(name: string, environment: Record<string, string> = {}): Promise<Running> {
  const file = fileURLToPath(new URL(`.bench/bench/baselines/${name}.js`, ROOT));
  return start([file], environment, scratchFolder());
}

async function start(args: string[], environment: Record<string, string>, folder: string): Promise<Running> {
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const log = openSync(join(folder, `log-${port}`), 'a');
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH ?? '', PORT: String(port), ...environment },
    stdio: ['ignore', log, log],
  });
  atExit.push(() => child.kill('SIGKILL'));
  const origin = `http://127.0.0.1:${port}`;
  await firstAnswer(child, `${origin}/health/live`, () => readFileSync(join(folder, `log-${port}`), 'utf8'));
  return { origin, startedInMs: performance.now() - startedAt, memory: () => residentMb(child), cpu: () => cpuSeconds(child), stop: () => end(child) };
}

async function firstAnswer(child: ChildProcess, url: string, said: () => string): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`it did not start: ${said()}`);
    const answer = await fetch(url).catch(() => null);
    await answer?.arrayBuffer();
    if (answer !== null) return;
    await sleep(5);
  }
}

function residentMb({ pid }: ChildProcess): number {
  const kb = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kb) / 1024;
}

/** User and system time, in clock ticks of 10 ms: fields 14 and 15 of proc(5) stat. */
function cpuSeconds({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}
