// Who reports to whom never closes a cycle, whatever is written at the same time.
//
// A contact's line is a fact of its own stream. Two streams cannot be appended to at once, so a
// change of an existing contact's line is first claimed on one stream of the organization, with
// expected revision: `contact X will report to M by the event of revision R`. Claims are in one
// order; each is checked against all lines that are or may become true: the managers in the
// contacts' streams, and the claims not yet settled. A claim is settled once its contact's stream
// has reached revision R, by the claimed event or by another. One whose writer died is fenced:
// an event that changes nothing takes revision R.
//
// A new contact needs no claim: nobody reports to it, so its line closes nothing, and whoever
// looks later finds it in its stream. In any cycle, the line claimed last has seen all the others.

import type { ReportingClaim } from './events/reportingEvents.js';

/** What the walk up from a manager found. */
export type WalkResult =
  | { outcome: 'clear' }
  /** By lines that are facts. */
  | { outcome: 'cycle' }
  /** Only if `claim` comes true. */
  | { outcome: 'undecided'; claim: ReportingClaim };

/**
 * Walks up from `managerId` and says whether `contactId` is met.
 * @param managerOf the manager of a contact by its stream; null when it has none or is no contact
 * @param pending claims that are not settled
 */
export async function walkUp(
  contactId: string,
  managerId: string,
  managerOf: (id: string) => Promise<string | null>,
  pending: readonly ReportingClaim[],
): Promise<WalkResult> {
  const seen = new Set<string>();
  const steps: { id: string; claim: ReportingClaim | null }[] = [{ id: managerId, claim: null }];
  let undecided: ReportingClaim | null = null;
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    const { id, claim } = step;
    if (id === contactId && claim === null) return { outcome: 'cycle' };
    if (id === contactId) undecided = claim;
    if (id === contactId || seen.has(id)) continue;
    seen.add(id);
    // Claims first: the stack then follows the facts before it follows them.
    for (const next of pending) if (next.contactId === id) steps.push({ id: next.managerId, claim: claim ?? next });
    const manager = await managerOf(id);
    if (manager !== null) steps.push({ id: manager, claim });
  }
  return undecided === null ? { outcome: 'clear' } : { outcome: 'undecided', claim: undecided };
}
