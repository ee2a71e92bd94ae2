// What a decider answers: events to append (none: nothing to do), or why not.

/** One wrong field and what is wrong with it, as the API's `details` show it. */
export interface FieldIssue {
  field: string;
  message: string;
}

/** Why a command is refused. The API maps each code to its answer. */
export type Rejection =
  | { code: 'CONTACT_NOT_FOUND' }
  | { code: 'COMPANY_NOT_FOUND' }
  | { code: 'WEBHOOK_NOT_FOUND' }
  | { code: 'ALREADY_EXISTS' }
  | { code: 'NOT_OF_COMPANY' }
  /** There are as many as there can be; `message` says of what. */
  | { code: 'LIMIT_REACHED'; message: string }
  | { code: 'INVALID'; issues: FieldIssue[] };

export type Decision<Event> = { accepted: true; events: Event[] } | { accepted: false; rejection: Rejection };

/** The decision to append `events`, in order. */
export const accept = <Event>(...events: Event[]): Decision<Event> => ({ accepted: true, events });

/** The decision to refuse. */
export const reject = (rejection: Rejection): { accepted: false; rejection: Rejection } => ({
  accepted: false,
  rejection,
});
