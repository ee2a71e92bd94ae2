// A process to be killed: creates contacts, tells of each it was acknowledged, and delivers. What the
// service is made of, without its API, so that a hundred of them start soon.
//
// Arguments: the data folder; the receiver's URL when the endpoint is to be made, else nothing.

import { createSecretKey, randomUUID } from 'node:crypto';
import { CommandHandler } from '../../dist/commands/handle.js';
import { decideContact, evolveContact, initialContact } from '../../dist/domain/contact.js';
import { contactStream } from '../../dist/domain/streams.js';
import { openEmbedded } from '../../dist/platform/embedded/index.js';
import { SealedEventStore } from '../../dist/platform/sealedEventStore.js';
import { systemClock } from '../../dist/ports/clock.js';
import { webhookParts } from '../../dist/webhookParts.js';

const [dataDir, url] = process.argv.slice(2);
const organizationId = 'acme';
const WRITERS = 8;

const onError = (error) => {
  throw error;
};
// No read models: they are not what is looked at here.
const platform = await openEmbedded({ dataDir, wrappingKeys: [createSecretKey(Buffer.alloc(32, 7))], projections: [], changesOf: () => [] });
const events = new SealedEventStore(platform.log, platform.keys, platform.commit);
const handler = new CommandHandler(events, systemClock, { next: () => randomUUID() });
const { commands, duty } = webhookParts({ platform, events, handler, holder: 'child', onError, schedule: Array(50).fill(0.1), allowPrivate: true });
const context = () => ({ organizationId, actor: { sub: 'crash' }, requestId: randomUUID(), correlationId: 'c', causationId: null });
const facts = { manager: 'fits', parent: 'fits' };

if (url !== undefined) await commands.create(context(), { url, events: ['contact.created'], description: null, ordered: false });
duty.start();
process.send('ready');
if (process.env.CREATE !== 'no') for (let writer = 0; writer < WRITERS; writer += 1) void createContacts();

async function createContacts() {
  for (;;) {
    const id = randomUUID();
    await handler.execute({ initial: initialContact, evolve: evolveContact }, contactStream(organizationId, id), context(), ({ state }) =>
      decideContact(state, { type: 'create', id, patch: { name: 'Ada' }, addressId: 'a', facts }),
    );
    process.send(id);
  }
}
