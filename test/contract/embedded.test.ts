// The embedded platform put through every contract suite.

import { openEmbedded } from '../../src/platform/embedded/index.js';
import type { WrappingKeys } from '../../src/platform/wrapping.js';
import { batchChanges, projections } from '../../src/projections/project.js';
import { rotationContract } from './rotationContract.js';
import { temporaryFolder } from '../support/folder.js';
import { openPlatform } from './embedded.js';
import { chainContract } from './chainContract.js';
import { eventLogContract } from './eventLogContract.js';
import { generationsContract } from './generationsContract.js';
import { historyContract } from './historyContract.js';
import { leasesContract } from './leasesContract.js';
import { readStoreContract } from './readStoreContract.js';
import { searchContract } from './searchContract.js';
import { showContract } from './showContract.js';
import { checkpointsContract, countersContract, idempotencyContract, keyStoreContract } from './stateContracts.js';
import { webhookContract } from './webhookContract.js';

const openStore = async (folder?: string) => ({ ...(await openPlatform(folder)), position: String });

const opening =
  <Part extends 'keys' | 'idempotency' | 'checkpoints' | 'chain' | 'webhooks'>(part: Part) =>
  async (folder: string) => {
    const platform = await openPlatform(folder);
    return { store: platform[part], close: platform.close };
  };

const openCounters = async (folder: string) => {
  const { counters, close } = await openPlatform(folder);
  if (counters.shared) throw new Error('the embedded counters are those of one process');
  return { store: counters.store, close };
};

/** One process has the folder: what asks twice is two parts of it. */
const openLeases = async () => {
  const { leases, close } = await openPlatform();
  return { copies: [leases, leases] as [typeof leases, typeof leases], close };
};

eventLogContract('embedded', openPlatform);
readStoreContract('embedded', () => openStore());
generationsContract('embedded', openStore, temporaryFolder);
showContract('embedded', () => openStore());
historyContract('embedded', () => openStore());
searchContract('embedded', () => openStore());
const openRotating = async (dataDir: string, wrappingKeys: WrappingKeys) => {
  const { keys, close } = await openEmbedded({ dataDir, wrappingKeys, projections, changesOf: batchChanges });
  return { store: keys, close: async () => close() };
};

rotationContract('embedded', openRotating, temporaryFolder);
keyStoreContract('embedded', opening('keys'), temporaryFolder);
idempotencyContract('embedded', opening('idempotency'), temporaryFolder);
checkpointsContract('embedded', opening('checkpoints'), temporaryFolder, String);
countersContract('embedded', openCounters, temporaryFolder);
leasesContract('embedded', openLeases);
chainContract('embedded', opening('chain'), temporaryFolder, String);
webhookContract('embedded', opening('webhooks'), temporaryFolder, String);
