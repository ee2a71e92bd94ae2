// Where the deliveries of an endpoint go: its URL taken apart, or why none may go there.

import { urlIssue } from './address.js';

/** What an exchange needs of a URL. */
export interface Address {
  origin: string;
  path: string;
}

export type Target = Address | { issue: string };

/** `allowPrivate`: whether private networks and plain http are allowed, now: they may have been when the endpoint was made. */
export function targetOf(url: string, allowPrivate: boolean): Target {
  const issue = urlIssue(url, allowPrivate);
  return issue === null ? addressOf(url) : { issue };
}

/** @throws TypeError when it is no URL */
export function addressOf(url: string): Address {
  const { origin, pathname, search } = new URL(url);
  return { origin, path: pathname + search };
}
