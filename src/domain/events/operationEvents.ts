// The events of what operators did to the service itself. They belong to no organization.

import { z } from 'zod';

export const operationEventSchemas = {
  /** A projection is to go past an event that it cannot project, now and whenever it is made anew. */
  ProjectionEventSkipped: z.object({
    projection: z.string(),
    position: z.string(),
    stream: z.string(),
    revision: z.int().nonnegative(),
    reason: z.string(),
  }),
} as const;
