// Every error the API answers with: its status, its code, and the one shape they all have.

import type { FieldIssue } from '../domain/decision.js';
import type { Refusal } from '../commands/handle.js';

/** What each code stands for: its status, and when it is answered. */
export const errorCatalog = {
  VALIDATION_ERROR: { status: 400, description: 'Request data failed validation; `details` names every wrong field' },
  INVALID_ENTITY_TYPE: { status: 400, description: 'Contact does not belong to the specified company' },
  UNAUTHORIZED: { status: 401, description: 'Missing or invalid authentication token' },
  FORBIDDEN: { status: 403, description: 'The token does not allow this' },
  NOT_FOUND: { status: 404, description: 'There is no such route, delivery or replay' },
  CONTACT_NOT_FOUND: { status: 404, description: 'The requested contact was not found' },
  COMPANY_NOT_FOUND: { status: 404, description: 'The specified company was not found' },
  WEBHOOK_NOT_FOUND: { status: 404, description: 'The webhook endpoint was not found' },
  METHOD_NOT_ALLOWED: { status: 405, description: 'The path does not have that method; `Allow` says which it has' },
  CONFLICT: { status: 409, description: 'Others changed it at the same time, the id is taken, or a request with this key is still running' },
  PRECONDITION_FAILED: { status: 412, description: 'Its ETag is not one that If-Match names, or is one that If-None-Match names' },
  PAYLOAD_TOO_LARGE: { status: 413, description: 'The body is too large' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, description: 'The body is not sent as JSON' },
  IDEMPOTENCY_KEY_REUSED: { status: 422, description: 'This Idempotency-Key came with another request before' },
  RATE_LIMIT_EXCEEDED: { status: 429, description: 'Too many requests; `Retry-After` says when to go on' },
  INTERNAL_SERVER_ERROR: { status: 500, description: 'An unexpected error occurred' },
  SERVICE_UNAVAILABLE: { status: 503, description: 'A part of the service does not answer; a write may be stored, and is safe to send again with its Idempotency-Key' },
} as const satisfies Record<string, { status: number; description: string }>;

export type ErrorCode = keyof typeof errorCatalog;

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
    return errorCatalog[this.code].status;
  }

  get body(): ErrorBody {
    return { error: this.code, message: this.message, details: this.details };
  }
}

/** How many wrong fields are named, and by how many characters: a body may have as many as it has characters. */
export const DETAILS_MAX = 1_000;
export const FIELD_MAX = 200;

/** The request's data is wrong; `details` names each wrong field, of very many the first. */
export function validationError(details: readonly FieldIssue[]): ApiError {
  const told = details.slice(0, DETAILS_MAX).map(({ field, message }) => ({ field: field.length > FIELD_MAX ? `${field.slice(0, FIELD_MAX)}…` : field, message }));
  const more = details.length > DETAILS_MAX ? `: the first ${DETAILS_MAX} of ${details.length} wrong fields are named` : '';
  return new ApiError('VALIDATION_ERROR', `Request data failed validation${more}`, told);
}

export const contactNotFound = () => new ApiError('CONTACT_NOT_FOUND', 'The requested contact was not found');

export const companyNotFound = () => new ApiError('COMPANY_NOT_FOUND', 'The specified company was not found');

export const webhookNotFound = () => new ApiError('WEBHOOK_NOT_FOUND', 'The webhook endpoint was not found');

/** The answer to a command that came to nothing. */
export function refused(refusal: Refusal): ApiError {
  switch (refusal.code) {
    case 'CONTACT_NOT_FOUND':
      return contactNotFound();
    case 'COMPANY_NOT_FOUND':
      return companyNotFound();
    case 'WEBHOOK_NOT_FOUND':
      return webhookNotFound();
    case 'LIMIT_REACHED':
      return new ApiError('CONFLICT', refusal.message);
    case 'NOT_OF_COMPANY':
      return new ApiError('INVALID_ENTITY_TYPE', 'Contact does not belong to the specified company');
    case 'ALREADY_EXISTS':
      return new ApiError('CONFLICT', 'There is, or was, one with that id already', [{ field: 'id', message: 'Is taken' }]);
    case 'INVALID':
      return validationError(refusal.issues);
    case 'CONFLICT':
      return new ApiError('CONFLICT', 'Others changed it at the same time; try again', [], { 'Retry-After': '1' });
    case 'PRECONDITION_FAILED':
      return new ApiError('PRECONDITION_FAILED', errorCatalog.PRECONDITION_FAILED.description);
  }
}
