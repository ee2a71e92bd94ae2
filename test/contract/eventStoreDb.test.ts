// EventStoreDB's log put through the contract suite, over the protocol double. Foreign events
// stand between ours.

import { EventStoreDouble } from '../support/eventStoreDouble/index.js';
import { openNamespaced } from './eventStoreDb.js';
import { eventLogContract } from './eventLogContract.js';

eventLogContract('EventStoreDB (protocol double)', async () => {
  const double = await EventStoreDouble.start();
  const { log, close } = openNamespaced(double.url);
  const closeBoth = async () => {
    await close();
    await double.stop();
  };
  return { log, close: closeBoth };
});
