// What operations on projections have in common.

import { z } from 'zod';
import type { Projection, ProjectionName } from '../ports/projection.js';
import { projections } from '../projections/project.js';
import { OperationError } from './operation.js';

const names = projections.map(({ name }) => name) as [ProjectionName, ...ProjectionName[]];

export const projectionSchema = z.enum(names, { error: `there are the projections ${names.join(', ')}` });

/** The one named, or all. */
export function projectionsNamed(name: string | null): readonly Projection[] {
  return projections.filter((projection) => name === null || projection.name === name);
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
