// Who may call the double, and how: with a user, encrypted, by the certificate in `tls/`, and for that user alone.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ServerCredentials } from '@grpc/grpc-js';
import { failures } from './wire.js';

export interface User {
  name: string;
  password: string;
}

const file = (name: string) => fileURLToPath(new URL(`./tls/${name}`, import.meta.url));

export function credentialsOf(user: User | undefined): ServerCredentials {
  if (user === undefined) return ServerCredentials.createInsecure();
  const [private_key, cert_chain] = [readFileSync(file('key.pem')), readFileSync(file('certificate.pem'))];
  return ServerCredentials.createSsl(null, [{ private_key, cert_chain }]);
}

export function urlOf(port: number, user: User | undefined): string {
  if (user === undefined) return `esdb://127.0.0.1:${port}?tls=false`;
  const [name, password] = [user.name, user.password].map(encodeURIComponent);
  return `esdb://${name}:${password}@127.0.0.1:${port}?tlsCAFile=${encodeURIComponent(file('certificate.pem'))}`;
}

/**
 * Why a call is refused, if it is. server: Services/Transport/Http/AuthenticationMiddleware.cs: who is
 * not who he says gets 401, which is UNAUTHENTICATED to gRPC; a call by nobody is refused $all.
 */
export function strangerRefused(authorization: unknown, user: User | undefined): Error | null {
  const wanted = user && `Basic ${Buffer.from(`${user.name}:${user.password}`).toString('base64')}`;
  if (wanted === undefined || authorization === wanted) return null;
  return authorization === undefined ? failures.accessDenied() : failures.unauthenticated();
}
