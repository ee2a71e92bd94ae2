// The walk up the reporting lines: what is a cycle, what only may become one, and that it always ends.

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ReportingClaim } from '../../src/domain/events/reportingEvents.js';
import { walkUp } from '../../src/domain/reportingLine.js';

type Lines = Record<string, string | null>;
const managerIn = (lines: Lines) => async (id: string) => lines[id] ?? null;
const claim = (contactId: string, managerId: string): ReportingClaim => ({ contactId, managerId, revision: 1 });
const walk = (contactId: string, managerId: string, lines: Lines, pending: ReportingClaim[] = []) => walkUp(contactId, managerId, managerIn(lines), pending);

test('is clear when the manager is not below the contact', async () => {
  expect(await walk('a', 'b', {})).toEqual({ outcome: 'clear' });
  expect(await walk('a', 'b', { b: 'c', c: 'd', x: 'a' })).toEqual({ outcome: 'clear' });
});

test('is a cycle when the manager reports to the contact, directly or not, or is the contact', async () => {
  expect(await walk('a', 'a', {})).toEqual({ outcome: 'cycle' });
  expect(await walk('a', 'b', { b: 'a' })).toEqual({ outcome: 'cycle' });
  expect(await walk('a', 'b', { b: 'c', c: 'd', d: 'a' })).toEqual({ outcome: 'cycle' });
});

test('is undecided when only a claim leads to the contact, and names the first claim of that way', async () => {
  expect(await walk('a', 'b', {}, [claim('b', 'a')])).toEqual({ outcome: 'undecided', claim: claim('b', 'a') });
  const pending = [claim('c', 'd'), claim('b', 'c'), claim('x', 'y')];
  expect(await walk('a', 'b', { d: 'a' }, pending)).toEqual({ outcome: 'undecided', claim: claim('b', 'c') });
  expect(await walk('a', 'b', { b: 'c' }, [claim('c', 'a'), claim('z', 'a')])).toEqual({ outcome: 'undecided', claim: claim('c', 'a') });
});

test('takes the facts before the claims: a cycle of facts is one whatever is claimed', async () => {
  expect(await walk('a', 'b', { b: 'a' }, [claim('b', 'c')])).toEqual({ outcome: 'cycle' });
  expect(await walk('a', 'b', { b: 'c', c: 'a' }, [claim('b', 'a')])).toEqual({ outcome: 'cycle' });
});

test('says of any lines and claims what following every way says, and ends where they already form cycles', async () => {
  const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
  const lines = fc.dictionary(id, id) as fc.Arbitrary<Lines>;
  const pending = fc.array(fc.tuple(id, id).map(([contactId, managerId]) => claim(contactId, managerId)), { maxLength: 5 });
  /** Whether `to` is reached from `from` by edges. */
  const reaches = (from: string, to: string, edges: [string, string][]) => {
    const seen = new Set([from]);
    for (const at of seen) for (const [lower, upper] of edges) if (lower === at) seen.add(upper);
    return seen.has(to);
  };
  await fc.assert(
    fc.asyncProperty(id, id, lines, pending, async (contactId, managerId, facts, claims) => {
      const factual = Object.entries(facts).flatMap(([lower, upper]): [string, string][] => (upper === null ? [] : [[lower, upper]]));
      const possible = [...factual, ...claims.map((one): [string, string] => [one.contactId, one.managerId])];
      // The way ends at the contact: what it reports to itself does not matter.
      const without = (edges: [string, string][]) => edges.filter(([lower]) => lower !== contactId);
      const result = await walk(contactId, managerId, facts, claims);
      if (reaches(managerId, contactId, without(factual))) expect(result.outcome).toBe('cycle');
      else if (reaches(managerId, contactId, without(possible))) expect(result.outcome).toBe('undecided');
      else expect(result.outcome).toBe('clear');
      if (result.outcome === 'undecided') expect(claims).toContainEqual(result.claim);
    }),
    { numRuns: 2_000 },
  );
});
