// Two copies of the service on one EventStoreDB and one MongoDB: the one that delivers webhooks is
// frozen past its lease, then wakes; later the other is killed. Nothing is lost, what is sent twice
// carries the same id, and one copy delivers at a time.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { LEASE_MS, RENEW_EVERY_MS } from '../../src/subscriptions/underLease.js';
import { spawnDouble } from '../support/eventStoreDouble/spawn.js';
import { describeMongo } from '../support/mongo.js';
import { ok, startReceiver, until, type Answer, type Receiver } from '../support/receiver.js';
import { startServiceProcess, type ServiceProcess } from '../support/service.js';

/** How long is waited for what takes seconds: a busy machine takes longer. */
const WAIT_MS = 90_000;
/** Between one contact created and the next: the stand-in server looks at every document for every query. */
const PAUSE_MS = 100;
/** How many deliveries show that a copy delivers, and that the other does not. */
const SOME = 10;

/** Tells who has the lease, by a name of its own. */
async function openLeases(url: string) {
  const client = new MongoClient(url);
  const holder = async (): Promise<string | null> => (await client.db().collection<{ _id: string; holder: string | null }>('leases').findOne({ _id: 'webhooks' }))?.holder ?? null;
  return { holder, close: () => client.close() };
}

/** Creates contacts, one after another, until it is stopped; which were acknowledged. */
function writing(client: ReturnType<ServiceProcess['client']>) {
  const acknowledged: string[] = [];
  let stopped = false;
  const running = (async () => {
    while (!stopped) {
      const reply = await client.post('/contacts', { name: `Ada ${acknowledged.length}` });
      if (reply.status === 201) acknowledged.push(reply.body.id);
      await sleep(PAUSE_MS);
    }
  })();
  const stop = async () => {
    stopped = true;
    await running;
  };
  return { acknowledged, stop };
}

/** How many tries a copy made. */
async function tries(copy: ServiceProcess): Promise<number> {
  const text = await (await fetch(`${copy.origin}/metrics`)).text();
  return [...text.matchAll(/^contacts_webhook_tries_total\{[^}]*\} (\d+)/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
}

const moreArrive = (receiver: Receiver) => {
  const before = receiver.received.length;
  return until(() => receiver.received.length >= before + SOME, `${SOME} more deliveries`, WAIT_MS);
};

/** What was told of each contact, by the ids and the bytes it was told with. */
function accountFor({ received }: Receiver) {
  const ids = new Map<string, Set<string>>();
  const bytes = new Map<string, Set<string>>();
  for (const { id, text, body } of received) {
    ids.set(body.data.id, (ids.get(body.data.id) ?? new Set()).add(id));
    bytes.set(id, (bytes.get(id) ?? new Set()).add(text));
  }
  return { ids, bytes };
}

describeMongo('the copy that delivers webhooks', (mongo) => {
  test('is followed by another when it is frozen, stops when it wakes, and follows that one when it is killed', async () => {
    // The other looks once more before the lease has stood still for so long, and once after.
    expect(LEASE_MS + 2 * RENEW_EVERY_MS).toBeLessThan(10_000);
    const double = await spawnDouble();
    const mongoUrl = mongo.newDatabase();
    const leases = await openLeases(mongoUrl);
    const environment = { EVENTSTORE_URL: double.url, MONGODB_URL: mongoUrl, WEBHOOK_ALLOW_PRIVATE_NETWORKS: 'true', WEBHOOK_RETRY_SCHEDULE: Array(100).fill(1).join(',') };
    const held: (() => void)[] = [];
    const holding: Answer = (...exchange) => void held.push(() => ok(...exchange));
    const receiver = await startReceiver();
    const copies: ServiceProcess[] = [];
    try {
      const first = await startServiceProcess(environment);
      copies.push(first);
      await until(async () => (await leases.holder()) !== null, 'the first copy to have the lease', WAIT_MS);
      const second = await startServiceProcess(environment);
      copies.push(second);
      const holder = await leases.holder();
      await first.client('acme').post('/webhooks', { url: receiver.url, events: ['contact.created'] });

      // Frozen while it waits for answers: what it sent is not recorded, and sent again by the other.
      let writer = writing(second.client('acme'));
      await moreArrive(receiver);
      receiver.answer = holding;
      await until(() => held.length > 0, 'an exchange under way', WAIT_MS);
      first.child.kill('SIGSTOP');
      const unanswered = receiver.received.at(-1)?.id;
      receiver.answer = ok;
      await until(async () => (await leases.holder()) !== holder, 'the lease to be taken over', WAIT_MS);
      await until(() => receiver.received.filter(({ id }) => id === unanswered).length === 2, 'what was under way to be sent again', WAIT_MS);

      first.child.kill('SIGCONT');
      for (const answer of held.splice(0)) answer();
      await moreArrive(receiver);
      const [before, beside] = [await tries(first), await tries(second)];
      await moreArrive(receiver);
      expect(await tries(first)).toBe(before);
      expect(await tries(second)).toBeGreaterThan(beside);
      await writer.stop();
      const acknowledged = [...writer.acknowledged];

      writer = writing(first.client('acme'));
      await moreArrive(receiver);
      await second.kill();
      await moreArrive(receiver);
      await writer.stop();
      acknowledged.push(...writer.acknowledged);
      await until(() => acknowledged.every((id) => accountFor(receiver).ids.has(id)), 'all deliveries', WAIT_MS);
      const { ids, bytes } = accountFor(receiver);
      expect([...ids.values()].filter(({ size }) => size !== 1)).toEqual([]);
      expect([...bytes.values()].filter(({ size }) => size !== 1)).toEqual([]);
    } finally {
      for (const copy of copies) await copy.kill();
      await leases.close();
      await receiver.close();
      await double.stop();
    }
  }, 6 * WAIT_MS);
});
