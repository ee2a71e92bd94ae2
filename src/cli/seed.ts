// `contacts seed`: fills an organization with companies and contacts that look real.

import { seedOperation } from '../operations/seed/seed.js';
import { command } from './command.js';
import { operate } from './operate.js';
import { UsageError } from './usage.js';

const text = { type: 'string' } as const;

export const seedCommand = command({
  synopsis: 'seed --org ORG --contacts N [--seed S]',
  help: [
    'fill an organization with N contacts that look real, and their companies',
    '--seed: a number; the same one makes the same contacts, so that running again goes on where it was',
  ],
  options: { org: text, contacts: text, seed: text },
  positionals: { min: 0, max: 0 },
  run: async ({ org, contacts, seed = '1' }) => {
    if (org === undefined || org === '') throw new UsageError('seed: --org is missing');
    if (org.length > 200) throw new UsageError('seed: --org: must be at most 200 characters');
    const params = { organizationId: org, contacts: wholeNumber('--contacts', contacts, 1), seed: wholeNumber('--seed', seed, 0) };
    const made = await operate(seedOperation, params, { makesFolder: true });
    const count = (n: number) => n.toLocaleString('en-US');
    const before = made.before === 0 ? '' : `; ${count(made.before)} contacts of this seed were there before`;
    console.log(`made ${count(made.contacts)} contacts and ${count(made.companies)} companies in ${org}${before}`);
  },
});

function wholeNumber(option: string, given: string | undefined, least: number): number {
  if (given === undefined) throw new UsageError(`seed: ${option} is missing`);
  const fits = /^\d{1,8}$/.test(given) && Number(given) >= least;
  if (!fits) throw new UsageError(`seed: ${option} ${given}: must be a whole number from ${least} to 99999999`);
  return Number(given);
}
