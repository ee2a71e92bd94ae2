// Has the follower of the log in EventStoreDB bring the read models in MongoDB to the log's end, in a
// process of its own, and prints what that took as JSON. argv: their URLs.

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { readSettings } from '../../src/config.js';
import { openHost } from '../../src/host.js';
import { Follower } from '../../src/projections/follower.js';

const [, , EVENTSTORE_URL = '', MONGODB_URL = ''] = process.argv;
const secrets = { JWT_SECRET: 'not used, but long enough to be one', ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64') };
const { projector } = await openHost(readSettings({ EVENTSTORE_URL, MONGODB_URL, ...secrets }));
const follower = new Follower(projector);
const stop = new AbortController();
const startedAt = performance.now();
const cpuBefore = process.cpuUsage();
const running = follower.run(stop.signal);
while (!follower.isCaughtUp) await Promise.race([running, sleep(5)]);
const seconds = (performance.now() - startedAt) / 1_000;
const { user, system } = process.cpuUsage(cpuBefore);
const peakKb = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
console.log(JSON.stringify({ seconds, cpuSeconds: (user + system) / 1e6, peakMb: peakKb / 1_024 }));
process.exit(0);
