// Threads of the embedded store that are no longer needed: the driver ends the whole process when a
// thread is stopped while it is in it, so that each is let end by itself.

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { runCommand } from '../support/command.js';
import { temporaryFolder } from '../support/folder.js';
import { ENCRYPTION_KEY } from '../support/service.js';

const dist = new URL('../../dist/', import.meta.url).href;
const TIMES = 6;

/** Begins to make steps of a rebuild and soon wants no more of them, at last of several at once; prints how the threads have ended: 1 is stopped. */
const program = (dataDir: string) => `
  const { ThreadSteps } = await import('${dist}platform/embedded/readySteps.js');
  const { endAllThreads } = await import('${dist}platform/embedded/threads.js');
  const { wrappingKeysOf } = await import('${dist}platform/wrapping.js');
  const files = { events: ${JSON.stringify(join(dataDir, 'contacts.sqlite'))}, keys: ${JSON.stringify(join(dataDir, 'keys.sqlite'))}, wrappingKeys: wrappingKeysOf(['${ENCRYPTION_KEY}']) };
  const codes = [];
  process.on('worker', (worker) => worker.on('exit', (code) => codes.push(code)));
  for (let time = 0; time < ${TIMES}; time += 1) {
    const steps = new ThreadSteps(new URL('${dist}stepThread.js'), files, 'contacts', null, { settle: async () => undefined });
    if (time % 2 === 0) await steps.next();
    await steps.close();
  }
  const begin = () => new ThreadSteps(new URL('${dist}stepThread.js'), files, 'contacts', null, null);
  const more = [begin(), begin()];
  await more[0].next();
  void more[0].next();
  const ended = await endAllThreads(60_000);
  const refused = await Promise.resolve().then(begin).then(() => 'begun', (error) => error.name);
  console.log(JSON.stringify({ codes, ended, refused }));`;

test('a thread that makes steps ends by itself, whatever it is at', async () => {
  const dataDir = join(temporaryFolder(), 'data');
  expect(await runCommand(dataDir, ['seed', '--org', 'acme', '--contacts', '3000'])).toMatchObject({ code: 0 });
  const file = join(temporaryFolder(), 'program.mjs');
  writeFileSync(file, program(dataDir));
  const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 100_000 });
  expect(JSON.parse(stdout)).toEqual({ codes: Array.from({ length: TIMES + 2 }, () => 0), ended: true, refused: 'UnavailableError' });
}, 120_000);
