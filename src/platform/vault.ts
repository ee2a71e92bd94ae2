// The vault over any key store: keys of contacts for what holds their data, keys of their own for
// endpoints.

import { KeyDestroyedError, type KeyStore, type KeySubject } from '../ports/keyStore.js';
import type { Vault } from '../ports/vault.js';
import { decrypt, encrypt } from './sealing.js';

export class KeyedVault implements Vault {
  constructor(private readonly keys: KeyStore) {}

  async seal(subject: KeySubject, plain: Buffer, context: string): Promise<Buffer | null> {
    try {
      return encrypt(await this.keys.obtain(subject), plain, context);
    } catch (error) {
      if (error instanceof KeyDestroyedError) return null;
      throw error;
    }
  }

  async open(subject: KeySubject, box: Buffer, context: string): Promise<Buffer | null> {
    const [stored] = await this.keys.find([subject]);
    if (stored?.state === 'usable') return decrypt(stored.key, box, context);
    if (stored?.state === 'destroyed') return null;
    throw new Error(`no key for ${context}`);
  }

  async holds(subject: KeySubject): Promise<boolean> {
    const [stored] = await this.keys.find([subject]);
    return stored?.state === 'usable';
  }

  async destroy(subject: KeySubject): Promise<void> {
    await this.keys.destroy(subject);
  }
}
