// The headers of requests and answers, as the reference describes them.

interface HeaderDescription {
  description: string;
  schema: Record<string, unknown>;
  example: string | number;
}

const text = { type: 'string' };
const count = { type: 'integer', minimum: 0 };

/** Headers that a request may have. */
export const requestHeaders = {
  'If-Match': {
    description: 'ETags, separated by commas, or `*`: the write is carried out only while the resource has one of them, else 412.',
    schema: text,
    example: '"1.4"',
  },
  'If-None-Match': {
    description: 'ETags, separated by commas, or `*`. A read is answered by 304 when the resource still has one of them; a write is not carried out then, and answered by 412.',
    schema: text,
    example: '"1.4"',
  },
  'Idempotency-Key': {
    description: 'Any text of yours, 1 to 255 printable ASCII characters. The same request with the same key is carried out once; its answer is kept for 24 hours.',
    schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,255}$' },
    example: 'f6c7a0f2-order-17',
  },
  'Last-Event-ID': { description: 'The position of the last event that was seen; events after it follow.', schema: text, example: '1207' },
  'X-Request-Id': {
    description: 'An id for this request, returned and logged; one is made when there is none, or one unfit for a log.',
    schema: text,
    example: '3f0c9a4e-0b77-4f4e-9d0c-5a1de2b7a111',
  },
} as const satisfies Record<string, HeaderDescription>;

/** Those a route says it heeds; every request may have an X-Request-Id. */
export type RequestHeader = Exclude<keyof typeof requestHeaders, 'X-Request-Id'>;

/** Headers that an answer may have. */
export const responseHeaders = {
  'X-Request-Id': { description: 'The id of the request.', schema: text, example: '3f0c9a4e-0b77-4f4e-9d0c-5a1de2b7a111' },
  'X-RateLimit-Limit': { description: 'Requests an hour that the organization may make.', schema: count, example: 1000 },
  'X-RateLimit-Remaining': { description: 'How many of them are left.', schema: count, example: 998 },
  'X-RateLimit-Reset': { description: 'When the hour ends, in seconds since 1970.', schema: count, example: 1_748_949_330 },
  ETag: { description: 'The version of the resource, for If-Match and If-None-Match.', schema: text, example: '"1.4"' },
  Location: { description: 'Where the new resource is.', schema: text, example: '/api/v1/contacts/c12f8e21-4ab2-4589-ae0d-9c12654b8e7a' },
  Link: {
    description: 'Where other pages are (RFC 8288): `first`, `prev`, `next`, `last`.',
    schema: text,
    example: '</api/v1/contacts?limit=20&page=2>; rel="next"',
  },
  'Idempotency-Replayed': { description: '`true` when this is the answer to an earlier request with the same Idempotency-Key.', schema: text, example: 'true' },
  'Retry-After': { description: 'After how many seconds to try again.', schema: count, example: 5 },
  Allow: { description: 'The methods that there are.', schema: text, example: 'GET, HEAD, POST' },
  'WWW-Authenticate': { description: 'How to authenticate.', schema: text, example: 'Bearer' },
} as const satisfies Record<string, HeaderDescription>;

export type HeaderName = keyof typeof responseHeaders;
