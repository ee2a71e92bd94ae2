// How the command line names a projection.

import { projectionSchema } from '../operations/projections.js';
import type { GenerationName } from '../ports/projection.js';
import { UsageError } from './usage.js';

/** The projection called `name`; null when none was named. @throws UsageError when there is no such one */
export function projectionNamed(name: string | undefined): GenerationName | null {
  if (name === undefined) return null;
  const parsed = projectionSchema.safeParse(name);
  if (parsed.success) return parsed.data;
  throw new UsageError(`no such projection: ${name}; ${parsed.error.issues[0]?.message ?? ''}`);
}
