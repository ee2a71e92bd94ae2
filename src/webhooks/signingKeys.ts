// The keys that an endpoint's deliveries are signed with, opened once.

import { LRUCache } from 'lru-cache';
import type { KeyObject } from 'node:crypto';
import type { KeySubject } from '../ports/keyStore.js';
import type { Vault } from '../ports/vault.js';
import type { EndpointRef, WebhookEndpoints } from '../ports/webhookEndpoints.js';
import type { SigningKey } from './lane.js';
import { signingKey } from './signing.js';

const KEPT_KEYS = 10_000;

/** How an endpoint's secrets are sealed. */
export interface SecretSeal {
  subject: (ref: EndpointRef) => KeySubject;
  context: (ref: EndpointRef) => string;
}

export class SigningKeys {
  private readonly opened = new LRUCache<string, KeyObject>({ max: KEPT_KEYS });

  constructor(
    private readonly endpoints: WebhookEndpoints,
    private readonly vault: Vault,
    private readonly seal: SecretSeal,
  ) {}

  /** The keys of an endpoint, the newest first; none when it is gone. @throws UnavailableError */
  async of(ref: EndpointRef): Promise<SigningKey[]> {
    const keys: SigningKey[] = [];
    for (const { box, until } of await this.endpoints.secrets(ref)) {
      const key = this.opened.get(box.toString('base64')) ?? (await this.open(ref, box));
      if (key !== null) keys.push({ key, until });
    }
    return keys;
  }

  private async open(ref: EndpointRef, box: Buffer): Promise<KeyObject | null> {
    const secret = await this.vault.open(this.seal.subject(ref), box, this.seal.context(ref));
    if (secret === null) return null;
    const key = signingKey(secret.toString());
    this.opened.set(box.toString('base64'), key);
    return key;
  }
}
