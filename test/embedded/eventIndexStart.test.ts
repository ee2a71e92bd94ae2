// Where in the log a time begins: found by halving, and never too late where clocks went back a little.

import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { contactStream } from '../../src/domain/streams.js';
import { eventMetadata } from '../contract/samples.js';
import { openPlatform } from '../contract/embedded.js';

const SKEW_MS = 3_600_000;
const at = (ms: number) => new Date(Date.parse('2026-03-01T00:00:00Z') + ms);

test('no event that occurred later stands before it, and not many that occurred earlier after it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ step: fc.nat({ max: 2 * SKEW_MS }), back: fc.nat({ max: SKEW_MS }) }), { maxLength: 30 }), fc.nat({ max: 40 * SKEW_MS }), async (made, asked) => {
      const platform = await openPlatform();
      try {
        let now = 0;
        const times = made.map(({ step, back }) => ((now += step), at(now - back).toISOString()));
        for (const occurredAt of times) {
          const event = { id: randomUUID(), type: 'ContactCreated', data: {}, metadata: { ...eventMetadata('acme'), occurredAt } };
          await platform.log.append(contactStream('acme', randomUUID()), 'none', [event]);
        }
        const start = Number((await platform.eventIndex.startOf(at(asked - SKEW_MS))) ?? 0);
        expect(times.slice(0, start).filter((time) => time >= at(asked).toISOString())).toEqual([]);
        expect(times.slice(start).filter((time) => time < at(asked - 2 * SKEW_MS).toISOString())).toEqual([]);
      } finally {
        await platform.close();
      }
    }),
    { numRuns: 30 },
  );
});
