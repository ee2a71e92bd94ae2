// A port that a platform has no adapter of as yet: whatever is asked of it is refused.

import { UnavailableError } from '../ports/errors.js';

/** `what` names in the plural what is missing. */
export function absent<Port extends object>(what: string): Port {
  const refuse = () => Promise.reject(new UnavailableError(`${what} cannot be kept on this platform`));
  // Not a promise, for whoever asks.
  return new Proxy({} as Port, { get: (_, name) => (name === 'then' ? undefined : refuse) });
}
