// What erasing a contact takes besides its event: its key is destroyed, and what is kept of it in
// other places. Done by the command, and again by a reaction to the event: a crash between the two
// leaves nothing undone.

import { contactStream } from '../domain/streams.js';
import type { DeliveryStore } from '../ports/deliveryStore.js';
import type { IdempotencyStore, StoredAnswer } from '../ports/idempotencyStore.js';
import type { KeyStore } from '../ports/keyStore.js';

/** What an erased contact's requests are answered with, when they come again. */
const GONE: StoredAnswer = {
  status: 404,
  headers: {},
  body: JSON.stringify({ error: 'CONTACT_NOT_FOUND', message: 'The requested contact was not found', details: [] }),
};

/** Where a contact's personal data was kept. */
export interface ErasureDeps {
  keys: KeyStore;
  idempotency: IdempotencyStore;
  webhooks: { deliveries: Pick<DeliveryStore, 'erase'> };
  /** Has read models show what a stream says by now, those being built, too. */
  bringOn(stream: string): Promise<void>;
  scrub(): Promise<void>;
}

export class Erasure {
  constructor(private readonly deps: ErasureDeps) {}

  /** Makes what was personal of a contact, of which the erasure is on disk, unreadable for good. @throws UnavailableError */
  async purge(organizationId: string, contactId: string): Promise<void> {
    const { keys, idempotency, webhooks, bringOn, scrub } = this.deps;
    await keys.destroy({ organizationId, id: contactId });
    await bringOn(contactStream(organizationId, contactId));
    await idempotency.replaceAnswers(organizationId, contactId, GONE);
    await webhooks.deliveries.erase({ organizationId, contactId });
    await scrub();
  }
}
