// Makes the links of events as they come, and signs the end of each chain that they move.

import type { ChainedEvent, ChainedRun, ChainEnd, ChainStep, Link, Linker } from '../ports/chainStore.js';
import type { Clock } from '../ports/clock.js';
import type { HeadKeys } from './headKeys.js';
import { headOf, isHead } from './headSigner.js';
import { FIRST_HASH, linkHash } from './links.js';

export interface LinkerDeps {
  keys: HeadKeys;
  clock: Clock;
  /** Told of a chain that is gone on from unsigned. */
  onForged: (error: Error) => void;
}

export class ChainLinker implements Linker {
  constructor(private readonly deps: LinkerDeps) {}

  trusted(organizationId: string, stored: ChainEnd | null): ChainEnd {
    if (stored === null) return emptyChain(organizationId);
    if (this.deps.keys.checkEnd(stored) === 'good') return stored;
    this.deps.onForged(new Error('the end of an audit chain was not signed by this service: run contacts verify --audit'));
    return { ...stored, signature: '' };
  }

  step({ from, to, events, links: before }: ChainedRun, endOf: (organizationId: string) => ChainEnd): ChainStep {
    const at = this.deps.clock.now();
    const ends = new Map<string, ChainEnd>();
    const links = events.map((event, index): Link => {
      const { organizationId } = event.metadata;
      const end = advance(ends.get(organizationId) ?? endOf(organizationId), event, at.getTime());
      ends.set(organizationId, end);
      return { number: before + index + 1, organizationId, sequence: end.sequence, eventId: event.id, position: event.position, hash: end.hash };
    });
    return { from, to, links, ends: [...ends.values()].map((end) => this.signed(end, at.toISOString())) };
  }

  private signed(end: ChainEnd, at: string): ChainEnd {
    return end.signature === '' ? end : { ...end, ...this.deps.keys.signEnd({ ...end, at }) };
  }
}

function advance(end: ChainEnd, event: ChainedEvent, now: number): ChainEnd {
  const sequence = end.sequence + 1;
  const next = { ...end, sequence, hash: linkHash(end.hash, sequence, event), position: event.position };
  if ('canonical' in event || !isHead(event)) return { ...next, lastEvent: sequence, uncoveredSince: end.uncoveredSince ?? now };
  const covered = Math.max(end.covered, Math.min(headOf(event)?.sequence ?? 0, end.sequence));
  return { ...next, covered, uncoveredSince: end.lastEvent > covered ? now : null };
}

/** Its signature says that it is to have one. */
function emptyChain(organizationId: string): ChainEnd {
  return { organizationId, sequence: 0, hash: FIRST_HASH, position: '', at: '', signature: 'none yet', keyFingerprint: '', lastEvent: 0, covered: 0, uncoveredSince: null };
}
