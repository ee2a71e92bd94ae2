// How the command line says that it did not understand.

/** The command line does not fit; the message is one clear line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
