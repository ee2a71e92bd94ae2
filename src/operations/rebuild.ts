// Makes read models anew from the events.

import { z } from 'zod';
import type { Operation } from './operation.js';
import type { GenerationName } from '../ports/projection.js';
import { asOperationError, projectionSchema, projectionsNamed } from './projections.js';

/** How many events each projection looked at. */
const resultSchema = z.object({ rebuilt: z.array(z.object({ projection: z.string(), events: z.number() })) });

type Rebuilt = z.infer<typeof resultSchema>;

export const rebuildOperation: Operation<{ projection: GenerationName | null }, Rebuilt> = {
  name: 'rebuild',
  params: z.object({ projection: projectionSchema.nullable() }),
  result: resultSchema,
  run: async ({ projector, alone }, { projection: name }, report, signal) => {
    const rebuilt: Rebuilt['rebuilt'] = [];
    for (const projection of projectionsNamed(name, projector)) {
      const unit = `events for ${projection.name}`;
      const events = await asOperationError(projector.rebuild(projection, { signal, alone, report: (progress) => report({ ...progress, unit }) }));
      rebuilt.push({ projection: projection.name, events });
    }
    return { rebuilt };
  },
};
