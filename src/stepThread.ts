// A thread that makes steps of a rebuild; see platform/embedded/readySteps.ts.

import { workerData } from 'node:worker_threads';
import { makeAhead } from './platform/embedded/madeAhead.js';
import type { StepThreadData } from './platform/embedded/readySteps.js';
import { StepMaker } from './platform/embedded/stepMaker.js';
import type { Projection } from './ports/projection.js';
import { batchChanges, projections } from './projections/project.js';

const { files, projection: name, after } = workerData as StepThreadData;
const projection = projections.find((known) => known.name === name) as Projection;
const maker = new StepMaker(files, projection, batchChanges, after);

makeAhead(nextStep, () => maker.close());

/** Null where events cannot be read or projected: the main thread finds out which, and says so. */
function nextStep() {
  try {
    return maker.make();
  } catch {
    return null;
  }
}
