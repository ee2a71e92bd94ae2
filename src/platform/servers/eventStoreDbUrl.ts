// Connection strings of EventStoreDB, which may hold a password: the client's own complaints about
// them quote it, ours do not.

import { EventStoreDBClient } from '@eventstore/db-client';

/** A connection string that cannot be used; the message says where, without quoting it. */
export class BadConnectionStringError extends Error {
  override readonly name = 'BadConnectionStringError';
}

/** Options as the client compares them: without case, hyphens and underscores. */
const options: ReadonlySet<string> = new Set([
  'connectionname',
  'defaultdeadline',
  'discoveryinterval',
  'gossiptimeout',
  'keepaliveinterval',
  'keepalivetimeout',
  'maxdiscoverattempts',
  'nodepreference',
  'throwonappendfailure',
  'tls',
  'tlscafile',
  'tlsverifycert',
  'usercertfile',
  'userkeyfile',
]);

/** The client for `url`; nothing is connected as yet. @throws BadConnectionStringError */
export function clientFor(url: string): EventStoreDBClient {
  checkOptions(url);
  try {
    return EventStoreDBClient.connectionString(url);
  } catch (error) {
    throw new BadConnectionStringError(`the EventStoreDB connection string ${complaintOf(error)}`);
  }
}

/** The client would ignore an option that it does not know, and write the whole string to the log. */
function checkOptions(url: string): void {
  const [, query = ''] = url.split('?');
  for (const [name, value] of new URLSearchParams(query)) {
    const option = name.trim().toLowerCase().replaceAll(/[_-]/g, '');
    if (!options.has(option)) throw new BadConnectionStringError(`the EventStoreDB connection string has an unknown option${quoted(name)}`);
    if (option !== 'tlsverifycert' || value !== 'false') continue;
    throw new BadConnectionStringError('certificates of EventStoreDB are always verified: name yours by tlsCAFile instead of tlsVerifyCert=false');
  }
}

/** A name that can be one: a password with a question mark in it would come here, too. */
const quoted = (name: string) => (/^[a-z_-]{1,30}$/i.test(name) ? ` '${name}'` : '; a question mark in a password must be written %3F');

function complaintOf(error: unknown): string {
  if (!(error instanceof Error)) return 'cannot be read';
  if ('location' in error && 'expected' in error && Array.isArray(error.location)) {
    return `is wrong at character ${Number(error.location[0]) + 1}: expected ${String(error.expected)}`;
  }
  return `cannot be used: ${error.message}`;
}
