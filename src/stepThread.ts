// A thread that makes steps of a rebuild; see platform/embedded/readySteps.ts.

import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import type { StepOrder, StepThreadData } from './platform/embedded/readySteps.js';
import { StepMaker } from './platform/embedded/stepMaker.js';
import { END } from './platform/embedded/threads.js';
import type { Projection } from './ports/projection.js';
import { batchChanges, projections } from './projections/project.js';

const port = parentPort as MessagePort;
const { files, projection: name, after } = workerData as StepThreadData;
const projection = projections.find((known) => known.name === name) as Projection;
const maker = new StepMaker(files, projection, batchChanges, after);

port.on('message', (order: StepOrder) => {
  if (order !== END) return port.postMessage(nextStep());
  maker.close();
  port.close();
});

/** Null where events cannot be read or projected: the main thread finds out which, and says so. */
function nextStep() {
  try {
    return maker.make();
  } catch {
    return null;
  }
}
