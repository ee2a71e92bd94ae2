// How a webhook gets its connection: the address connected to is one that was looked at, whether the
// URL names it or a resolver does, and looked at again once connected. Names are not resolved twice.

import { lookup, Resolver } from 'node:dns/promises';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { buildConnector } from 'undici';
import { isPublicAddress, literalAddress } from './address.js';

/** Finds the addresses of a name. @throws an error with a code of DNS when there are none */
export type Resolve = (hostname: string) => Promise<string[]>;

/** The address is not one of the public internet. Its message names no address: it is shown to the endpoint's owner. */
export class AddressRefusedError extends Error {
  override readonly name = 'AddressRefusedError';
  readonly code = 'ADDRESS_REFUSED';
}

const CONNECT_TIMEOUT_MS = 10_000;

/** Asks the name servers, off the thread pool: names that nobody answers for hold up nothing else. */
const publicResolver = new Resolver({ timeout: 3_000, tries: 2 });

export const resolvePublic: Resolve = async (hostname) => {
  const answers = await Promise.allSettled([publicResolver.resolve4(hostname), publicResolver.resolve6(hostname)]);
  const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (addresses.length === 0) throw (answers[0] as PromiseRejectedResult).reason;
  return addresses;
};

/** Asks as the machine does, its own names included: for private networks. */
export const resolveSystem: Resolve = async (hostname) => (await lookup(hostname, { all: true })).map(({ address }) => address);

export interface ConnectorOptions {
  allowPrivate: boolean;
  resolve?: Resolve;
  /** Opens the connection, `lookup` asked for names; for tests that count. */
  open?: (lookup: LookupFunction) => buildConnector.connector;
}

/** A connector for undici. */
export function guardedConnector({ allowPrivate, resolve, open = openWith }: ConnectorOptions): buildConnector.connector {
  const check = allowPrivate ? () => undefined : refuseUnlessPublic;
  const find = resolve ?? (allowPrivate ? resolveSystem : resolvePublic);
  const connect = open(guardedLookup(find, check));
  return (options, callback) => {
    try {
      const address = literalAddress(options.hostname);
      if (address !== null) check([address]);
    } catch (error) {
      callback(error as Error, null);
      return;
    }
    connect(options, (error, socket) => {
      if (error !== null) return callback(error, null);
      try {
        check([(socket as Socket).remoteAddress ?? '']);
        callback(null, socket as Socket);
      } catch (refused) {
        (socket as Socket).destroy();
        callback(refused as Error, null);
      }
    });
  };
}

function openWith(guarded: LookupFunction): buildConnector.connector {
  return buildConnector({ lookup: guarded, timeout: CONNECT_TIMEOUT_MS, autoSelectFamily: true });
}

/** All addresses of a name must be good: one that is also a bad address is up to no good. */
function guardedLookup(resolve: Resolve, check: (addresses: readonly string[]) => void): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname)
      .then((found) => {
        check(found);
        const addresses = found.map((address) => ({ address, family: isIP(address) }));
        const first = addresses[0] ?? { address: '', family: 4 };
        if (options.all === true) callback(null, addresses);
        else callback(null, first.address, first.family);
      })
      .catch((error: NodeJS.ErrnoException) => callback(error, '', 4));
  };
}

/** @throws AddressRefusedError */
function refuseUnlessPublic(addresses: readonly string[]): void {
  if (addresses.length > 0 && addresses.every(isPublicAddress)) return;
  throw new AddressRefusedError('the address is not a public one');
}
