// Compares read models with what the events say.

import { z } from 'zod';
import { UnavailableError } from '../ports/errors.js';
import type { GenerationName } from '../ports/projection.js';
import type { Damage, ProjectionChecks } from '../ports/projectionChecks.js';
import { verify, type Difference } from '../projections/verify.js';
import { verifyIndex } from '../projections/verifyIndex.js';
import { lineOf, type Operation, type Report } from './operation.js';
import { asOperationError, projectionSchema, projectionsNamed } from './projections.js';

/** How many differences are told of one by one. */
const LISTED = 1_000;

const resultSchema = z.object({
  /** How many documents and entries of the index of events were compared. */
  compared: z.number(),
  /** How many differ, and the first of them. */
  differing: z.number(),
  /** What is wrong with the store's files, a line each. */
  damage: z.array(z.string()),
  differences: z.array(
    z.object({ projection: z.string(), organizationId: z.string(), id: z.string(), kind: z.string(), fields: z.array(z.string()) }),
  ),
});

export type VerifyResult = z.infer<typeof resultSchema>;

export const verifyOperation: Operation<{ projection: GenerationName | null }, VerifyResult> = {
  name: 'verify',
  params: z.object({ projection: projectionSchema.nullable() }),
  result: resultSchema,
  run: async ({ projector, platform }, { projection: name }, report, signal) => {
    const result: VerifyResult = { compared: 0, differing: 0, damage: [], differences: [] };
    const found = ({ projection, organizationId, id, kind, fields }: Difference) => {
      result.differing += 1;
      if (result.differences.length < LISTED) result.differences.push({ projection, organizationId, id, kind, fields });
    };
    const options = { found, report, signal };
    let unreadable: UnavailableError | null = null;
    try {
      for (const projection of projectionsNamed(name, projector)) {
        const compared = projection.name === 'events' ? verifyIndex(projector.deps, options) : verify(projection, projector.deps, options);
        result.compared += await asOperationError(compared);
      }
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      unreadable = error;
    }
    const { lines, documents } = await damageOf(platform.checks, report);
    // What is in the way of comparing may be what the check of the files tells in full.
    if (unreadable !== null && lines.length === 0) throw unreadable;
    result.damage = unreadable === null ? lines : [...lines, `comparing ended early: ${lineOf(unreadable)}`];
    for (const { projection, organizationId, id, part } of documents) {
      const isAsked = name === null || name === projection;
      if (isAsked) found({ projection, organizationId, id: id ?? '', kind: id === null ? 'superfluous' : 'different', fields: [part] });
    }
    return result;
  },
};

async function damageOf(checks: ProjectionChecks, report: Report): Promise<Damage> {
  report({ done: 0, total: 1, unit: 'check of the files' });
  const damage = await checks.damage();
  report({ done: 1, total: 1, unit: 'check of the files' });
  return damage;
}
