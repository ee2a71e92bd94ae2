// Has the ends of chains signed by the first key, so that an older one can be taken away.

import type { ChainStore } from '../ports/chainStore.js';
import type { Clock } from '../ports/clock.js';
import type { HeadKeys } from './headKeys.js';

const PAGE = 500;

/** Only what an older key signed is signed anew: what has no right signature stays without one. */
export async function resignEnds({ chain, clock, keys, signal }: { chain: ChainStore; clock: Clock; keys: HeadKeys; signal: AbortSignal }): Promise<void> {
  for (let after: string | null = null; ; ) {
    signal.throwIfAborted();
    const page = await chain.ends(after, PAGE);
    for (const end of page) {
      if (end.keyFingerprint === keys.fingerprint || keys.checkEnd(end) !== 'good') continue;
      await chain.resign(keys.signEnd({ ...end, at: clock.now().toISOString() }));
    }
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.organizationId;
  }
}
