// Commands of the command line, as an operator runs them: from what was built, each a process.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { binary, testEnvironment } from './service.js';

export interface Ran {
  /** Null when a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunningCommand {
  child: ChildProcess;
  ended: Promise<Ran>;
}

/** Starts `contacts …args` on a data folder. */
export function startCommand(dataDir: string, ...args: string[]): RunningCommand {
  const env = { PATH: process.env.PATH ?? '', ...testEnvironment, DATA_DIR: dataDir };
  const child = spawn(process.execPath, [binary, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  process.once('exit', () => child.kill('SIGKILL'));
  const ran: Ran = { code: null, stdout: '', stderr: '' };
  child.stdout?.on('data', (text: Buffer) => (ran.stdout += text.toString()));
  child.stderr?.on('data', (text: Buffer) => (ran.stderr += text.toString()));
  return { child, ended: once(child, 'close').then(([code]) => ({ ...ran, code: code as number | null })) };
}

/** Runs `contacts …args` on a data folder to its end. */
export const runCli = (dataDir: string, ...args: string[]): Promise<Ran> => startCommand(dataDir, ...args).ended;
