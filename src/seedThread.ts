// A thread that makes the appends of a seed; see platform/embedded/readyAppends.ts.

import { workerData } from 'node:worker_threads';
import { canonicalEvent } from './chain/links.js';
import { appendsOf, SeedMaker } from './operations/seed/maker.js';
import type { SeedOrders } from './operations/seed/seed.js';
import { AppendMaker } from './platform/embedded/appendMaker.js';
import { makeAhead } from './platform/embedded/madeAhead.js';
import type { AppendThreadData } from './platform/embedded/readyAppends.js';
import { KeyWrapping } from './platform/wrapping.js';
import { batchChanges, projections } from './projections/project.js';

const { wrappingKeys, orders } = workerData as AppendThreadData;
const { plan, from, size } = orders as SeedOrders;
const groups = new SeedMaker(plan).groups(from, size)[Symbol.iterator]();
const maker = new AppendMaker(new KeyWrapping(wrappingKeys), projections, batchChanges, canonicalEvent);

makeAhead(nextAppends, () => undefined);

function nextAppends() {
  const { value: group } = groups.next();
  return group === undefined ? null : maker.make(appendsOf(group));
}
