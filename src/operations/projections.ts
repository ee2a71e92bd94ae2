// What operations on projections have in common.

import { z } from 'zod';
import type { AnyProjection, GenerationName } from '../ports/projection.js';
import { eventIndexProjection } from '../projections/eventIndex.js';
import { projections } from '../projections/project.js';
import type { Projector } from '../projections/projector.js';
import { OperationError } from './operation.js';

const names = [...projections, eventIndexProjection].map(({ name }) => name) as [GenerationName, ...GenerationName[]];

export const projectionSchema = z.enum(names, { error: `there are the projections ${names.join(', ')}` });

/** The one named, or all that the platform has. @throws OperationError when it has none of that name */
export function projectionsNamed(name: GenerationName | null, { deps }: Projector): readonly AnyProjection[] {
  const named = deps.projections.filter((projection) => name === null || projection.name === name);
  if (named.length === 0) throw new OperationError(`there is no projection ${name} here: the event log has an index of its own`);
  return named;
}

const known = ['ProjectionStoppedError', 'ProjectorError', 'RebuildReplacedError', 'VerifyInterruptedError'];

/** What `work` gives; what stops a projection is told to the operator. */
export async function asOperationError<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Error && known.includes(error.name)) throw new OperationError(error.message);
    throw error;
  }
}
