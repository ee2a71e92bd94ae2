// EventStoreDB put through the contract suites of logs and of their index, against a real server: the
// one that TEST_EVENTSTORE_URL names, which others may use as well, or one in a container.

import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { openOnServer } from './eventStoreDb.js';
import { eventIndexContract } from './eventIndexContract.js';
import { eventLogContract } from './eventLogContract.js';
import { EVENTSTOREDB_IMAGE } from '../support/images.js';
import { inSqlite, openKept } from './keptIndex.js';

const PORT = 2113;
/** With the time that the image may take to come. */
const START_TIMEOUT_MS = 300_000;

const given = process.env.TEST_EVENTSTORE_URL ?? '';
const hasDocker = existsSync('/var/run/docker.sock') || (process.env.DOCKER_HOST ?? '') !== '';

/** Starts a server that keeps its log on disk, without security and without AtomPub, as the adapter needs it. */
async function startContainer(): Promise<{ url: string; stop(): Promise<unknown> }> {
  const { GenericContainer, Wait } = await import('testcontainers');
  const container = await new GenericContainer(EVENTSTOREDB_IMAGE)
    .withEnvironment({ EVENTSTORE_CLUSTER_SIZE: '1', EVENTSTORE_INSECURE: 'true', EVENTSTORE_RUN_PROJECTIONS: 'None', EVENTSTORE_MEM_DB: 'false' })
    .withExposedPorts(PORT)
    .withWaitStrategy(Wait.forHttp('/health/live', PORT).forStatusCodeMatching((code) => code >= 200 && code < 300))
    .withStartupTimeout(START_TIMEOUT_MS)
    .start();
  return { url: `esdb://${container.getHost()}:${container.getMappedPort(PORT)}?tls=false`, stop: () => container.stop() };
}

if (given === '' && !hasDocker) {
  describe('event log, EventStoreDB', () => {
    test.skip('against a real server: neither TEST_EVENTSTORE_URL nor Docker', () => undefined);
  });
} else {
  let server: { url: string; stop(): Promise<unknown> } = { url: given, stop: async () => undefined };
  beforeAll(async () => {
    if (given === '') server = await startContainer();
  }, START_TIMEOUT_MS);
  afterAll(() => server.stop());

  const name = given === '' ? `EventStoreDB in a container (${EVENTSTOREDB_IMAGE})` : 'EventStoreDB (TEST_EVENTSTORE_URL)';
  eventLogContract(name, () => openOnServer(server.url));
  eventIndexContract(`${name}, in the embedded store`, async () => openKept(await openOnServer(server.url), inSqlite));
}
