// Commands of the command line, run as processes of their own from what was built.

import { spawn } from 'node:child_process';
import { binary, testEnvironment } from './service.js';

export interface Ended {
  /** Null when a signal ended it. */
  code: number | null;
  out: string;
  err: string;
}

/** Runs `contacts …args` on a data folder to its end, or until it is killed after some ms. */
export async function runCommand(dataDir: string, args: readonly string[], environment: Record<string, string> = {}, killAfter?: number): Promise<Ended> {
  const env = { PATH: process.env.PATH ?? '', ...testEnvironment, DATA_DIR: dataDir, ...environment };
  const child = spawn(process.execPath, [binary, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: killAfter, killSignal: 'SIGKILL' });
  const said = { out: '', err: '' };
  child.stdout.on('data', (text: Buffer) => (said.out += text.toString()));
  child.stderr.on('data', (text: Buffer) => (said.err += text.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, ...said };
}
