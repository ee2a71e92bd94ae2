// What a try of a delivery comes to.

import { expect, test } from '@jest/globals';
import type { DueDelivery } from '../../src/ports/deliveryStore.js';
import { Attempts } from '../../src/webhooks/attempts.js';
import { Lane } from '../../src/webhooks/lane.js';
import { ManualClock } from '../support/clock.js';

test('a delivery that was kept no longer is failed, and says nothing of its endpoint', async () => {
  const counted: string[] = [];
  const attempts = new Attempts({
    deliveries: { payload: async () => null },
    vault: { holds: async () => true, open: async () => null, seal: async () => null },
    bodies: { get: () => undefined, keep: () => undefined },
    sender: { post: () => Promise.reject(new Error('nothing is to be sent')) },
    clock: new ManualClock(),
    schedule: [5],
    random: () => 0,
    tallies: { count: (_organization, tally) => counted.push(tally) },
  });
  const lane = new Lane(true);
  const due = { organizationId: 'acme', endpointId: 'e', id: 'd', eventId: 'ev', contactId: 'ada', topic: 'contact.created', tries: 0 } as DueDelivery;
  const { outcome, disable } = await attempts.make(lane, due);
  expect(outcome).toMatchObject({ next: { status: 'failed' }, attempt: { status: null, error: 'it was kept no longer than 30 days' }, health: null });
  expect([disable, lane.suspect, counted]).toEqual([null, false, ['failed']]);
});
