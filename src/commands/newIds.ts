// Ids that commands make besides those of aggregates and events.

import type { Ids } from '../ports/clock.js';

/** A new id for an address: opaque, told apart by its prefix. */
export function newAddressId(ids: Ids): string {
  return `addr_${ids.next().replaceAll('-', '')}`;
}
