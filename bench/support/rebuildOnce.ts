// Rebuilds one projection of the data in argv[2] in a process of its own, and prints what it took as JSON.

import { readFileSync } from 'node:fs';
import { readSettings } from '../../src/config.js';
import { openHost } from '../../src/host.js';
import { projections } from '../../src/projections/project.js';
import { verify } from '../../src/projections/verify.js';

const [, , dataDir = '', what = 'rebuild'] = process.argv;
const encryptionKey = Buffer.alloc(32, 7).toString('base64');
const host = await openHost(readSettings({ DATA_DIR: dataDir, JWT_SECRET: 'not used, but long enough to be one', ENCRYPTION_KEY: encryptionKey }));
const [projection] = projections;
if (projection === undefined) throw new Error('there are no projections');
const startedAt = performance.now();
const count =
  what === 'rebuild'
    ? await host.projector.rebuild(projection, { alone: true })
    : await verify(projection, host.projector.deps, { found: ({ id }) => console.error(`differs: ${id}`) });
const seconds = (performance.now() - startedAt) / 1_000;
const peakKb = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
console.log(JSON.stringify({ count, seconds, peakMb: peakKb / 1_024 }));
process.exit(0);
