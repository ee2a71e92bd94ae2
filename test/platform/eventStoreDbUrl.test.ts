// Connection strings of EventStoreDB: what is taken, and that no complaint quotes a password.

import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { BadConnectionStringError, clientFor } from '../../src/platform/servers/eventStoreDbUrl.js';

const warn = jest.spyOn(console, 'warn');
beforeEach(() => void warn.mockClear());
afterEach(() => expect(warn).not.toHaveBeenCalled());

test.each([
  'esdb://host:2113',
  'esdb://host:2113?tls=false',
  'esdb://admin:secret@host',
  'esdb://admin:secret@one:2113,two:2113,three:2113?nodePreference=follower&keepAliveInterval=10000',
  'esdb+discover://admin:secret@cluster.example?tls=true&tlsVerifyCert=true',
  'esdb://host?Node-Preference=leader&default_deadline=5000&throwOnAppendFailure=false',
])('%s is taken', async (url) => {
  await clientFor(url).dispose();
});

test.each([
  ['esdb://admin:secret@host:port', /at character \d+: expected port number/],
  ['esdb://admin:secret@', /expected host/],
  ['esdb://admin:secret@host?tls=perhaps', /expected true or false/],
  ['esdb://admin:secret@host?nodePreference=secret', /expected leader or follower/],
  ['esdb://admin:secret@host?timeout=5', /unknown option 'timeout'/],
  ['esdb://admin:secret@host?tlsVerifyCert=false', /tlsCAFile/],
  ['esdb://admin:secret@host?tlsCAFile=/nowhere', /certificate/],
  ['esdb://admin:pass?secret@host', /%3F/],
  ['esdb:/admin:secret@host', /expected esdb:\/\//],
])('%s is refused, and not quoted', (url, why) => {
  let refusal: unknown;
  try {
    clientFor(url);
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toBeInstanceOf(BadConnectionStringError);
  expect((refusal as Error).message).toMatch(why);
  expect((refusal as Error).message).not.toContain('secret');
});
