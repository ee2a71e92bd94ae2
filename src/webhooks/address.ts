// The address guard: which addresses of the network are public, and which URLs a webhook may have.
// Everything is refused that is not known to be public.

import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The longest URL of an endpoint. */
export const URL_MAX_LENGTH = 2_048;

/** IPv4 that is not public: the special-purpose registry of IANA, multicast, and a metadata service outside of both. */
const SPECIAL_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
].map((block) => ipaddr.IPv4.parseCIDR(block));

/** All public IPv6 lies in here; IPv4-mapped, IPv4-compatible and NAT64 forms do not. */
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');

/** What is not public of it: Teredo and other protocols' own, documentation, 6to4, AS112, the former 6bone. */
const SPECIAL_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3ffe::/16', '3fff::/20'].map((block) =>
  ipaddr.IPv6.parseCIDR(block),
);

/** Whether `address`, an IP address as text, is one of the public internet. */
export function isPublicAddress(address: string): boolean {
  // A zone (fe80::1%eth0) names an interface of this machine.
  if (isIP(address) === 0 || address.includes('%')) return false;
  const parsed = ipaddr.parse(address);
  if (parsed instanceof ipaddr.IPv4) return !SPECIAL_IPV4.some((block) => parsed.match(block));
  return parsed.match(GLOBAL_IPV6) && !SPECIAL_IPV6.some((block) => parsed.match(block));
}

/** The address that a URL's host names literally; null when it is a name. */
export function literalAddress(hostname: string): string | null {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(host) === 0 ? null : host;
}

/**
 * Why no webhook may go to `text`; null when one may. `allowPrivate`: whether private networks and
 * plain http are allowed.
 */
export function urlIssue(text: string, allowPrivate: boolean): string | null {
  if (text.length > URL_MAX_LENGTH) return `Must be at most ${URL_MAX_LENGTH} characters`;
  if (/[\s\p{Cc}]/u.test(text) || !URL.canParse(text)) return 'Must be a URL';
  const url = new URL(text);
  // As it was sent: the parser takes `https:name` and backslashes for the same.
  if (!(allowPrivate ? /^https?:\/\/[^/\\]/i : /^https:\/\/[^/\\]/i).test(text)) return 'Must be an https URL, beginning with https://';
  if (url.username !== '' || url.password !== '') return 'Must not hold a user name or password';
  return allowPrivate ? null : hostIssue(url.hostname);
}

function hostIssue(hostname: string): string | null {
  const address = literalAddress(hostname);
  if (address !== null) return isPublicAddress(address) ? null : 'Must not be an address of a private network';
  const name = hostname.replace(/\.+$/, '');
  return name === '' || /(^|\.)localhost$/.test(name) ? 'Must not be this machine' : null;
}
