// What the client of EventStoreDB throws, sorted: what an append or a read means by it, what is
// worth another try, and what is not.

import { ErrorType, StreamDeletedError, StreamNotFoundError, WrongExpectedVersionError } from '@eventstore/db-client';

/** An append over EventStoreDB's limit. Never sent: the same again would fare no better. */
export class AppendTooLargeError extends Error {
  override readonly name = 'AppendTooLargeError';
}

/** The log ends before a position that was read from it: it is not the log it was. */
export class LogEndsBeforeError extends Error {
  override readonly name = 'LogEndsBeforeError';
}

/** A call took longer than it may. */
export class TooSlowError extends Error {
  override readonly name = 'TooSlowError';
}

/** The error's message is empty and its name `Error`, so that its class or type must tell. */
export function isWrongVersion(error: unknown): error is WrongExpectedVersionError {
  return error instanceof WrongExpectedVersionError || typeOf(error) === ErrorType.WRONG_EXPECTED_VERSION;
}

/** Never made, or deleted so that it can be made anew. */
export function isNotFound(error: unknown): boolean {
  return error instanceof StreamNotFoundError || typeOf(error) === ErrorType.STREAM_NOT_FOUND;
}

/** Deleted for good by an operator. */
export function isTombstoned(error: unknown): boolean {
  return error instanceof StreamDeletedError || typeOf(error) === ErrorType.STREAM_DELETED;
}

/** Asked again these are answered the same. */
const final: ReadonlySet<string> = new Set([
  ErrorType.ACCESS_DENIED,
  ErrorType.INVALID_ARGUMENT,
  ErrorType.INVALID_TRANSACTION,
  ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED,
  ErrorType.MISSING_REQUIRED_METADATA_PROPERTY,
  ErrorType.UNSUPPORTED,
]);

/** gRPC: INVALID_ARGUMENT, PERMISSION_DENIED, UNIMPLEMENTED, UNAUTHENTICATED. */
const finalCodes: ReadonlySet<unknown> = new Set([3, 7, 12, 16]);

/**
 * Whether the same call may succeed in a while. A server that is down shows as UnavailableError,
 * as a plain gRPC error of code 14 without a type, as UnknownError while it stops or starts, or
 * as a failed discovery; so all is worth a try that is not known to be final.
 */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof LogEndsBeforeError) return false;
  const type = typeOf(error);
  if (type !== undefined && final.has(type)) return false;
  return !('code' in error) || !finalCodes.has(error.code);
}

/** gRPC: ABORTED. */
const OUTRUN_CODE = 10;

/**
 * Whether a subscription ended because more events came at once than the server keeps for it: it
 * waits for nobody, so that a large append is enough. No failure: what was missed is read by pages.
 */
export function isOutrun(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === OUTRUN_CODE;
}

function typeOf(error: unknown): string | undefined {
  return error instanceof Error && 'type' in error && typeof error.type === 'string' ? error.type : undefined;
}
