// What is said of an erasure, and what is answered: a certificate.

import { z } from 'zod';
import { id, time } from './views.js';

const REASON_MAX = 500;

export const erasureRequestSchema = z.strictObject({
  reason: z
    .string('Must be text')
    .trim()
    .min(1, 'Must not be empty')
    .max(REASON_MAX, `Must be at most ${REASON_MAX} characters`)
    .meta({ description: 'Why, for the history: kept for ever and in the clear. No place for personal data' }),
});

const place = z.strictObject({ place: z.string(), what: z.string() });

export const erasureSchema = z
  .strictObject({
    contactId: id,
    erasedAt: time,
    actor: z.strictObject({ sub: z.string() }),
    requestId: z.string(),
    purged: z.array(place).meta({ description: 'Where personal data was, and what became of it' }),
    outOfReach: z.array(place).meta({ description: 'Where it may still be, and what to do about it' }),
  })
  .meta({ id: 'ErasureCertificate', description: 'That a contact was erased, when, by whom, and what was purged where.' });

export const PURGED = [
  { place: 'events', what: 'The key of its personal data is destroyed: every event of it reads as [erased], in every copy of the log.' },
  { place: 'read models and search', what: 'It is removed; what its rows held is overwritten, in the search index by and by.' },
  { place: 'kept answers to requests with an Idempotency-Key', what: 'They are replaced: such a request is answered with 404.' },
  { place: 'webhook deliveries', what: 'What is pending is cancelled; payloads and answers were sealed with the key.' },
];

export const OUT_OF_REACH = [
  { place: 'backups of keys', what: 'One made before holds its key: delete it when its time is up. Backups without keys hold nothing readable.' },
  { place: 'logs of the database server', what: 'Where read models lie in MongoDB, its oplog and journal hold them until their time is up.' },
  { place: 'receivers', what: 'What webhooks and readers of the event stream were told before: they are told of the erasure by ContactErased.' },
];
