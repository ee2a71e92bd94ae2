// A server for the tests of MongoDB: the one that TEST_MONGODB_URL names, else one started by
// Docker, else none. Each test uses databases of its own names and drops them.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { GenericContainer, Wait, type StartedTestContainer } from 'testcontainers';
import { MONGODB_IMAGE } from './images.js';

/** With the time that its image may take to come. */
const STARTED_WITHIN_MS = 300_000;
/** The contracts alone make two hundred databases, of a dozen collections and more, each a file and one more for every index. */
const STOPPED_WITHIN_MS = 300_000;

let made = 0;

/** A MongoDB for the tests of a file. */
export class TestMongo {
  private container: StartedTestContainer | undefined;
  private base = process.env.TEST_MONGODB_URL ?? '';
  private readonly databases: string[] = [];

  async start(): Promise<void> {
    if (this.base !== '') return;
    this.container = await new GenericContainer(MONGODB_IMAGE)
      .withExposedPorts(27017)
      .withCommand(['--replSet', 'rs0', '--bind_ip_all'])
      .withWaitStrategy(Wait.forLogMessage(/waiting for connections/i))
      .start();
    const initiate = `rs.initiate({ _id: 'rs0', members: [{ _id: 0, host: 'localhost:27017' }] }); while (!db.hello().isWritablePrimary) sleep(100)`;
    const { exitCode, output } = await this.container.exec(['mongosh', '--quiet', '--eval', initiate]);
    if (exitCode !== 0) throw new Error(`the replica set could not be made: ${output}`);
    this.base = `mongodb://${this.container.getHost()}:${this.container.getMappedPort(27017)}/?directConnection=true`;
  }

  /** The URL of a database that no other test uses. */
  newDatabase = (): string => {
    const name = `test_${process.pid}_${Date.now().toString(36)}_${(made += 1)}`;
    this.databases.push(name);
    return this.urlOf(name);
  };

  /** The URL of a database on this server. Who logs in does so where the given URL says, not at that database. */
  urlOf(database: string): string {
    const [, server = '', given = '', options = ''] = /^(mongodb(?:\+srv)?:\/\/[^/?]+)\/?([^?]*)\??(.*)$/.exec(this.base) ?? [];
    const query = new URLSearchParams(options);
    if (server.includes('@') && !query.has('authSource')) query.set('authSource', given || 'admin');
    return `${server}/${database}${query.size === 0 ? '' : `?${query.toString()}`}`;
  }

  /** Drops the databases made, and ends a server that was started. */
  async stop(): Promise<void> {
    // Without an address it never started.
    if (this.base !== '') {
      const client = new MongoClient(this.urlOf('admin'));
      for (const name of this.databases) await client.db(name).dropDatabase();
      await client.close();
    }
    await this.container?.stop();
  }
}

/** What is missing for tests of MongoDB; undefined: nothing. */
async function missing(): Promise<string | undefined> {
  if ((process.env.TEST_MONGODB_URL ?? '') !== '') return undefined;
  const docker = await promisify(execFile)('docker', ['version', '--format', '{{.Server.Version}}'], { timeout: 10_000 }).catch(() => null);
  return docker === null ? 'no TEST_MONGODB_URL is set and no Docker answers' : undefined;
}

const lacking = await missing();

/** A group of tests that need MongoDB, skipped with the reason where there is none. */
export function describeMongo(name: string, tests: (mongo: TestMongo) => void): void {
  const mongo = new TestMongo();
  if (lacking !== undefined) return void describe.skip(`${name} (${lacking})`, () => tests(mongo));
  describe(name, () => {
    beforeAll(() => mongo.start(), STARTED_WITHIN_MS);
    afterAll(() => mongo.stop(), STOPPED_WITHIN_MS);
    tests(mongo);
  });
}
