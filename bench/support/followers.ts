// Clients of the event stream, in a process of their own, which does nothing else: it notes when
// each is told of which contact. Run as `followers <origin> <clients>`, the token in TOKEN; says
// `ready` when all follow, and what it noted once there are as many arrivals as it is sent the number of.

import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** A client was told of the contact, in ms since 1970. */
export type Arrival = [contactId: string, at: number];

export interface Followed {
  arrivals: Arrival[];
  /** Processor time for an arrival, in µs. */
  cpu: number;
}

const SUBJECT = '"subject":"';
const ID_LENGTH = 36;
/** How long they are waited for. */
const LATEST_MS = 10_000;

const arrivals: Arrival[] = [];

/** What comes is looked through, not parsed: no arrival is to wait for another's. */
async function follow(origin: string, token: string): Promise<void> {
  const headers = { Authorization: `Bearer ${token}` };
  const [response] = (await once(get(`${origin}/api/v1/events/stream`, { headers, agent: false }), 'response')) as [IncomingMessage];
  let rest = '';
  response.setEncoding('latin1').on('error', () => undefined);
  response.on('data', (part: string) => {
    const now = performance.timeOrigin + performance.now();
    const text = rest + part;
    const whole = text.lastIndexOf('\n\n') + 2;
    for (let at = text.indexOf(SUBJECT); at !== -1 && at < whole; at = text.indexOf(SUBJECT, at + 1)) {
      const start = at + SUBJECT.length;
      arrivals.push([text.slice(start, start + ID_LENGTH), now]);
    }
    rest = whole === 1 ? text : text.slice(whole);
  });
}

const [origin = '', clients = ''] = process.argv.slice(2);
await Promise.all(Array.from({ length: Number(clients) }, () => follow(origin, process.env.TOKEN ?? '')));
process.send?.('ready');
const before = process.cpuUsage();
const [expected] = (await once(process, 'message')) as [number];
for (let waited = 0; arrivals.length < expected && waited < LATEST_MS; waited += 50) await sleep(50);
const { user, system } = process.cpuUsage(before);
process.send?.({ arrivals, cpu: (user + system) / arrivals.length } satisfies Followed, () => process.exit());
