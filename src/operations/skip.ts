// Has an event gone past that cannot be projected or read.

import { z } from 'zod';
import type { GenerationName } from '../ports/projection.js';
import type { Operation } from './operation.js';
import { asOperationError, projectionSchema } from './projections.js';

interface SkipParams {
  position: string;
  projection: GenerationName | null;
  reason: string;
  actor: string;
}

const resultSchema = z.object({
  /** The projections that went past the event; or the kind of its stream, where none shows it. */
  skipped: z.array(z.string()),
  /** Where projections are stopped now: a line each. */
  stopped: z.array(z.string()),
});

export const skipOperation: Operation<SkipParams, z.infer<typeof resultSchema>> = {
  name: 'skip',
  params: z.object({ position: z.string(), projection: projectionSchema.nullable(), reason: z.string(), actor: z.string() }),
  result: resultSchema,
  run: async ({ projector }, request, report, signal) => {
    const progress = { signal, report: (made: { done: number; total: number | null }) => report({ ...made, unit: 'events' }) };
    const skipped = await asOperationError(projector.skip(request, progress));
    return { skipped, stopped: projector.stops().map(({ message }) => message) };
  },
};
