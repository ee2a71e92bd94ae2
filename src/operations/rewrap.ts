// Moves the keys of personal data to the first ENCRYPTION_KEY, so that older ones can be taken away.

import { z } from 'zod';
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

async function rewrap({ platform: { keys } }: Host, _params: null, report: Report, signal: AbortSignal): Promise<RewrapResult> {
  const total = await keys.toRewrap();
  let done = 0;
  for (let moved = 1; moved > 0; done += moved) {
    report({ done, total, unit: 'keys' });
    signal.throwIfAborted();
    moved = await keys.rewrap(BATCH);
  }
  return { keys: done };
}
