// Every error the API answers with: its status, its code, and the one shape they all have.

import type { FieldIssue } from '../domain/decision.js';
import type { Refusal } from '../commands/handle.js';

const statusOf = {
  VALIDATION_ERROR: 400,
  INVALID_ENTITY_TYPE: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONTACT_NOT_FOUND: 404,
  COMPANY_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  CONFLICT: 409,
  PRECONDITION_FAILED: 412,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  IDEMPOTENCY_KEY_REUSED: 422,
  RATE_LIMIT_EXCEEDED: 429,
  INTERNAL_SERVER_ERROR: 500,
  SERVICE_UNAVAILABLE: 503,
} as const;

export type ErrorCode = keyof typeof statusOf;

/** The body of every error answer. */
export interface ErrorBody {
  error: ErrorCode;
  message: string;
  details: FieldIssue[];
}

/** An answer that is an error. The message is for people and holds nothing internal. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly details: FieldIssue[] = [],
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }

  get status(): number {
    return statusOf[this.code];
  }

  get body(): ErrorBody {
    return { error: this.code, message: this.message, details: this.details };
  }
}

/** The request's data is wrong; `details` names each wrong field. */
export function validationError(details: FieldIssue[]): ApiError {
  return new ApiError('VALIDATION_ERROR', 'Request data failed validation', details);
}

export const contactNotFound = () => new ApiError('CONTACT_NOT_FOUND', 'The requested contact was not found');

export const companyNotFound = () => new ApiError('COMPANY_NOT_FOUND', 'The specified company was not found');

/** The answer to a command that came to nothing. */
export function refused(refusal: Refusal): ApiError {
  switch (refusal.code) {
    case 'CONTACT_NOT_FOUND':
      return contactNotFound();
    case 'COMPANY_NOT_FOUND':
      return companyNotFound();
    case 'NOT_OF_COMPANY':
      return new ApiError('INVALID_ENTITY_TYPE', 'Contact does not belong to the specified company');
    case 'ALREADY_EXISTS':
      return new ApiError('CONFLICT', 'There is, or was, one with that id already', [{ field: 'id', message: 'Is taken' }]);
    case 'INVALID':
      return validationError(refusal.issues);
    case 'CONFLICT':
      return new ApiError('CONFLICT', 'Others changed it at the same time; try again', [], { 'Retry-After': '1' });
    case 'PRECONDITION_FAILED':
      return new ApiError('PRECONDITION_FAILED', 'It was changed since: its ETag is not one that If-Match names');
  }
}
