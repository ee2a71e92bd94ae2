// `asOf`: the same answers, as they were at an earlier time.

import type { ContactReads, PastReads } from '../ports/historyStore.js';
import type { RouteDeps } from './deps.js';
import { validationError } from './errors.js';

/** Contacts as they are, or as they were at `asOf`. @throws ApiError VALIDATION_ERROR when it is in the future */
export function readsAsOf(deps: RouteDeps, asOf: string | undefined): ContactReads {
  return asOf === undefined ? deps.readStore : pastAt(deps, 'asOf', asOf);
}

/** Contacts as they were at the time that a parameter names. @throws ApiError VALIDATION_ERROR when it is in the future */
export function pastAt({ history, idempotency }: RouteDeps, field: string, instant: string): PastReads {
  if (Date.parse(instant) > idempotency.clock.now().getTime()) throw validationError([{ field, message: 'Must not be in the future' }]);
  return history.asOf(instant);
}
