// Idempotency keys of POST requests. A record reserves the ids that the request will use before
// anything is appended, so that a request carried out twice is carried out once.

/** Whose key it is, and a fingerprint of the request it came with. */
export interface IdempotentRequest {
  organizationId: string;
  key: string;
  fingerprint: string;
}

/** The ids of a request: of the aggregate that its answer is about, set aside when it makes one, and of its first event. */
export interface ReservedIds {
  aggregateId: string;
  eventId: string;
}

/** The answer a request got, as it is to be given again. `body` is the exact text. */
export interface StoredAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export type Reservation =
  /** The request is the first, or takes over from one that was abandoned: then some of it may be done already. */
  | { outcome: 'reserved'; ids: ReservedIds; takenOver: boolean }
  | { outcome: 'answered'; answer: StoredAnswer }
  /** Still being carried out. */
  | { outcome: 'running' }
  /** The key came with another request before. */
  | { outcome: 'mismatch' };

export interface IdempotencyStore {
  /**
   * Reserves the key, durably, with `proposed` ids, unless it is taken. A record older than 24 h
   * counts as none; one unanswered for 30 s as abandoned, and its ids stand.
   * @throws UnavailableError
   */
  reserve(request: IdempotentRequest, proposed: ReservedIds, now: Date): Promise<Reservation>;
  /** Keeps the answer, unless one is kept. @throws UnavailableError */
  answer(request: IdempotentRequest, answer: StoredAnswer): Promise<void>;
  /** Forgets a reservation whose command was not carried out, unless another request has taken it over. `at`: its `now`. @throws UnavailableError */
  release(request: IdempotentRequest, at: Date): Promise<void>;
  /** Lets the next request with the key take over at once, unless one has: what became of the command is not known. `at`: its `now`. @throws UnavailableError */
  abandon(request: IdempotentRequest, at: Date): Promise<void>;
  /** Has every request about an aggregate answered by `answer` from now on, whatever it was, or will be, answered. @throws UnavailableError */
  replaceAnswers(organizationId: string, aggregateId: string, answer: StoredAnswer): Promise<void>;
  /** Drops records older than 24 h; returns how many. @throws UnavailableError */
  sweep(now: Date): Promise<number>;
}

/** How long a key is remembered, and after how long an unanswered one counts as abandoned, in ms. */
export const KEY_LIFETIME_MS = 24 * 3_600_000;
export const ABANDONED_AFTER_MS = 30_000;
