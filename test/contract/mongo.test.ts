// MongoDB put through every contract suite of the ports that lie in it.

import { wrappingKey } from './embedded.js';
import { lapsingLeasesContract, leasesContract } from './leasesContract.js';
import { fencedCheckpointsContract, sharedCountersContract } from './sharedStateContracts.js';
import { checkpointsContract, idempotencyContract, keyStoreContract } from './stateContracts.js';
import { openMongo, type MongoPlatform } from '../../src/platform/servers/mongoPlatform.js';
import { describeMongo } from '../support/mongo.js';

const open = (url: string) => openMongo({ url, wrappingKey: wrappingKey() });

const opening =
  <Part extends 'keys' | 'idempotency' | 'checkpoints'>(part: Part) =>
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

  keyStoreContract('MongoDB', opening('keys'), mongo.newDatabase);
  idempotencyContract('MongoDB', opening('idempotency'), mongo.newDatabase);
  checkpointsContract('MongoDB', opening('checkpoints'), mongo.newDatabase, (n) => `opaque ${n}`);
  fencedCheckpointsContract('MongoDB', twice(({ checkpoints }) => checkpoints));
  sharedCountersContract('MongoDB', twice(countersOf));
  leasesContract('MongoDB', twice(({ leases }) => leases));
  lapsingLeasesContract('MongoDB', twice(({ leases }) => leases));
});
