// MongoDB put through every contract suite of the ports that lie in it.

import { wrappingKey } from './embedded.js';
import { chainContract } from './chainContract.js';
import { generationsContract } from './generationsContract.js';
import { historyContract } from './historyContract.js';
import { lapsingLeasesContract, leasesContract } from './leasesContract.js';
import { rotationContract } from './rotationContract.js';
import { readStoreContract } from './readStoreContract.js';
import { searchContract } from './searchContract.js';
import { fencedCheckpointsContract, sharedCountersContract } from './sharedStateContracts.js';
import { showContract } from './showContract.js';
import { checkpointsContract, idempotencyContract, keyStoreContract } from './stateContracts.js';
import { webhookContract } from './webhookContract.js';
import { openMongo, type MongoPlatform } from '../../src/platform/servers/mongoPlatform.js';
import type { WrappingKeys } from '../../src/platform/wrapping.js';
import { projections } from '../../src/projections/project.js';
import { describeMongo } from '../support/mongo.js';

/** Positions of no log: what they hold is compared as a number. */
const position = (n: number) => `at ${n}`;
const place = (at: string | null) => (at === null ? 0 : Number(at.slice(3)));
const compare = (a: string | null, b: string | null) => place(a) - place(b);

const open = (url: string) => openMongo({ url, wrappingKeys: [wrappingKey()], projections: projections.map(({ name }) => name), compare });
const openRotating = async (url: string, wrappingKeys: WrappingKeys) => {
  const { keys, close } = await openMongo({ url, wrappingKeys, projections: [], compare });
  return { store: keys, close };
};
const openStore = async (url: string) => ({ ...(await open(url)), position });

const opening =
  <Part extends 'keys' | 'idempotency' | 'checkpoints' | 'chain' | 'webhooks'>(part: Part) =>
  async (url: string) => {
    const platform = await open(url);
    return { store: platform[part], close: platform.close };
  };

describeMongo('on MongoDB', (mongo) => {
  const twice =
    <Part>(part: (platform: MongoPlatform) => Part) =>
    async () => {
      const url = mongo.newDatabase();
      const platforms = [await open(url), await open(url)] as const;
      return { copies: platforms.map(part) as [Part, Part], close: async () => void (await Promise.all(platforms.map(({ close }) => close()))) };
    };
  const countersOf = ({ counters }: MongoPlatform) => {
    if (!counters.shared) throw new Error('the counters of MongoDB are shared');
    return counters.store;
  };

  readStoreContract('MongoDB', () => openStore(mongo.newDatabase()));
  generationsContract('MongoDB', openStore, mongo.newDatabase);
  showContract('MongoDB', () => openStore(mongo.newDatabase()));
  historyContract('MongoDB', () => openStore(mongo.newDatabase()), 4);
  searchContract('MongoDB', () => openStore(mongo.newDatabase()), { runs: 10, many: 60 });
  rotationContract('MongoDB', openRotating, mongo.newDatabase);
  keyStoreContract('MongoDB', opening('keys'), mongo.newDatabase);
  idempotencyContract('MongoDB', opening('idempotency'), mongo.newDatabase);
  checkpointsContract('MongoDB', opening('checkpoints'), mongo.newDatabase, position);
  fencedCheckpointsContract('MongoDB', twice(({ checkpoints }) => checkpoints));
  sharedCountersContract('MongoDB', twice(countersOf));
  chainContract('MongoDB', opening('chain'), mongo.newDatabase, position);
  webhookContract('MongoDB', opening('webhooks'), mongo.newDatabase, position);
  leasesContract('MongoDB', twice(({ leases }) => leases));
  lapsingLeasesContract('MongoDB', twice(({ leases }) => leases));
});
