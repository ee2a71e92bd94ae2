// Moves the keys of personal data, and the signatures at the ends of audit chains, to the first
// ENCRYPTION_KEY, so that older ones can be taken away.

import { z } from 'zod';
import { HeadKeys } from '../chain/headKeys.js';
import { resignEnds } from '../chain/resign.js';
import { listOf } from '../config.js';
import type { Host, Operation, Report } from './operation.js';

/** How many keys are moved at a time. */
const BATCH = 500;

const resultSchema = z.object({ keys: z.number() });

type RewrapResult = z.infer<typeof resultSchema>;

export const rewrapOperation: Operation<null, RewrapResult> = {
  name: 'rewrap',
  params: z.null(),
  result: resultSchema,
  run: rewrap,
};

async function rewrap({ platform: { keys, chain }, settings, clock }: Host, _params: null, report: Report, signal: AbortSignal): Promise<RewrapResult> {
  const total = await keys.toRewrap();
  let done = 0;
  for (let moved = 1; moved > 0; done += moved) {
    report({ done, total, unit: 'keys' });
    signal.throwIfAborted();
    moved = await keys.rewrap(BATCH);
  }
  await resignEnds({ chain, clock, keys: new HeadKeys(listOf(settings.ENCRYPTION_KEY ?? '')), signal });
  return { keys: done };
}
