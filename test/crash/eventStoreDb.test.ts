// A process that uses EventStoreDB survives its connection being cut at any moment: nothing that
// the client of EventStoreDB lets go uncaught ends it, and nothing is lost or stored twice.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const script = fileURLToPath(new URL('./eventStoreDbCuts.js', import.meta.url));

test('64 writers and a follower through 30 cuts', async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--no-warnings', script, '30']);
  expect(stderr).toBe('');
  const { appended, ...wrong } = JSON.parse(stdout) as Record<string, number>;
  expect(appended).toBeGreaterThan(64);
  expect(wrong).toEqual({ lost: 0, repeated: 0, missed: 0 });
}, 60_000);
