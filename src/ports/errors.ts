// Failures of a component, as every port reports them.

/**
 * A component does not answer or could not do what was asked; what was asked may or may not have
 * been done. The API answers 503 and the caller may try again.
 */
export class UnavailableError extends Error {
  override readonly name = 'UnavailableError';
}
