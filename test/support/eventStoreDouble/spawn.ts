// Starts the double as a process of its own.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export type Misfortune = 'cut' | 'down' | 'up' | 'freeze' | 'thaw';

export interface DoubleProcess {
  /** What a client connects to. */
  url: string;
  /** Brings a misfortune about, or ends it; returns when it is done. */
  suffer(misfortune: Misfortune): Promise<void>;
  stop(): Promise<void>;
}

const ownScript = fileURLToPath(new URL('./process.js', import.meta.url));

/** `script` is process.js of this folder, for whoever runs from elsewhere. */
export async function spawnDouble(script = ownScript): Promise<DoubleProcess> {
  const child = fork(script, [], { execArgv: ['--no-warnings'], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  process.once('exit', () => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  const [{ url }] = (await Promise.race([once(child, 'message'), exited.then(() => Promise.reject(new Error('the double did not start')))])) as [{ url: string }];
  return {
    url,
    suffer: async (misfortune) => {
      const done = once(child, 'message');
      child.send(misfortune);
      await done;
    },
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
