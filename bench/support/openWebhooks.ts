// The webhooks of the service in this process, over an embedded store of their own, with a way to
// create contacts that goes past the API.

import { createSecretKey, randomUUID } from 'node:crypto';
import { CommandHandler } from '../../src/commands/handle.js';
import { readSettings } from '../../src/config.js';
import { emptyFields } from '../../src/domain/entity.js';
import { contactStream } from '../../src/domain/streams.js';
import { openHost } from '../../src/host.js';
import { systemClock } from '../../src/ports/clock.js';
import { payloadContext } from '../../src/webhooks/deriver.js';
import { webhookParts } from '../../src/webhookParts.js';
import { scratchFolder } from './processes.js';

const contact = { ...emptyFields('John Smith'), email: 'john.smith@acme.com', phone: '555-123-4567' };

/** A key as a secret stands for it. */
export const benchKey = createSecretKey(Buffer.alloc(32, 7));

export async function openWebhooks() {
  const settings = readSettings({ DATA_DIR: scratchFolder(), ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'), JWT_SECRET: 'of no use here' });
  const { platform, events } = await openHost(settings);
  const { vault, webhooks: stores } = platform;
  const handler = new CommandHandler(events, systemClock, { next: () => randomUUID() });
  const onError = (error: unknown) => console.error(error);
  const { commands, webhooks, duty } = webhookParts({ platform, events, handler, holder: 'bench', onError, allowPrivate: true });
  const said = (organizationId: string) => ({ organizationId, actor: { sub: 'bench' }, requestId: randomUUID(), correlationId: 'bench', causationId: null });
  return {
    webhooks,
    start: () => duty.start(),
    endpoint: (organizationId: string, url: string) =>
      commands.create(said(organizationId), { url, events: ['contact.created'], description: null, ordered: false }),
    /** Creates a contact; returns its id once that is on disk. */
    async create(organizationId: string): Promise<string> {
      const contactId = randomUUID();
      const metadata = { ...said(organizationId), occurredAt: new Date().toISOString(), schemaVersion: 1 };
      const created = { type: 'ContactCreated' as const, data: { contactId, contact }, id: randomUUID(), metadata };
      await events.commit(contactStream(organizationId, contactId), 'none', [created]);
      return contactId;
    },
    /** What some delivery of the organization sends. */
    async body(organizationId: string): Promise<Buffer> {
      const endpointId = (await stores.endpoints.list(organizationId))[0]?.endpoint.id ?? '';
      const [delivery] = (await stores.deliveries.list({ organizationId, endpointId }, { status: null, limit: 1, after: null })).items;
      if (delivery === undefined) throw new Error('there is no delivery');
      const box = await stores.deliveries.payload(delivery);
      const body = box && (await vault.open({ organizationId, id: delivery.contactId ?? '' }, box, payloadContext(delivery)));
      if (body === null) throw new Error('there is no payload');
      return body;
    },
    async stop(): Promise<void> {
      await duty.stop();
      await platform.close();
    },
  };
}
