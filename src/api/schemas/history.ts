// The history: what may be asked, and what is answered.

import { z } from 'zod';
import { companyEventSchemas } from '../../domain/events/companyEvents.js';
import { contactEventSchemas } from '../../domain/events/contactEvents.js';
import { operationEventSchemas } from '../../domain/events/operationEvents.js';
import { webhookEventSchemas } from '../../domain/events/webhookEvents.js';
import type { Json } from '../../domain/json.js';
import type { AuditPoint } from '../../ports/historyStore.js';
import { decodeValues, encodeValues, numberCursor } from '../cursor.js';
import { uuid, uuidPattern } from './entity.js';
import { instant, oneOf, wholeNumber } from './queries.js';
import { hierarchyContactSchema, id, time } from './views.js';

export const HISTORY_LIMIT = 100;

const once = z.string('Given more than once');
export const historyPaging = {
  limit: wholeNumber(1, HISTORY_LIMIT).optional().meta({ description: `Number of items per page, fewer where they are large; ${HISTORY_LIMIT} unless given` }),
  cursor: once.optional().meta({ description: 'The `nextCursor` of the page before' }),
};

export const historyCursor = numberCursor('h');

/** The parameters of a history. */
export const historyParameters = z.strictObject(historyPaging).transform(({ limit = HISTORY_LIMIT, cursor }) => ({
  limit,
  after: cursor === undefined ? null : historyCursor.decode(cursor),
}));

const anyValue = z.custom<Json>().meta({ description: 'Any JSON value; null is unset, `[erased]` a value that was erased' });

const changeSchema = z
  .strictObject({
    field: z.string().meta({ description: 'Nested ones as `metadata.title`' }),
    from: anyValue,
    to: anyValue,
  })
  .meta({ id: 'FieldChange', description: 'A field whose value differs.' });

export const historyEntryShape = {
  eventId: id,
  type: z.string().meta({ description: 'The type of the event' }),
  revision: z.int().min(0).meta({ description: 'The revision of the contact or company that it made' }),
  at: time,
  actor: z.strictObject({ sub: z.string() }).meta({ description: 'Who did it: the `sub` of the token. What follows from another event names the actor of its cause' }),
  requestId: z.string(),
  changes: z.array(changeSchema).meta({ description: 'What changed: of a creation every field that it set, of a deletion none' }),
};

export const historyEntrySchema = z.strictObject(historyEntryShape).meta({ id: 'HistoryEntry', description: 'One event of a history.' });

export const historySchema = z.strictObject({
  data: z.array(historyEntrySchema),
  nextCursor: z.string().nullable().meta({ description: 'The `cursor` of the next page; null when this is the last' }),
});

/** The parameters of what changed in the chart. */
export const chartDiffParameters = z.strictObject({
  from: instant.meta({ description: 'The earlier time' }),
  to: instant.optional().meta({ description: 'The later time; now unless given' }),
});

const manager = hierarchyContactSchema.pick({ id: true, name: true, displayName: true }).meta({ id: 'Manager', description: 'A manager, as it was at that time.' });

const memberSchema = hierarchyContactSchema
  .extend({
    from: manager.nullable().meta({ description: 'Whom it reported to at `from`; null: to nobody, or it was not there' }),
    to: manager.nullable().meta({ description: 'Whom it reported to at `to`; null: to nobody, or it was not there' }),
  })
  .meta({ id: 'ChartChange', description: 'A contact whose place in the chart changed.' });

/** What changed in the chart between two times. */
export const chartDiffSchema = z
  .strictObject({
    from: time,
    to: time,
    joined: z.array(memberSchema).meta({ description: 'Who was there at `to` and not at `from`' }),
    left: z.array(memberSchema).meta({ description: 'Who was there at `from` and not at `to`' }),
    moved: z.array(memberSchema).meta({ description: 'Who reported to another at `to` than at `from`' }),
  })
  .meta({ id: 'ChartDiff', description: 'What changed in the chart, each list by name.' });

/** Every type of event that the audit tells of: not what only keeps claims of reporting lines in order. */
const auditedTypes = Object.keys({ ...contactEventSchemas, ...companyEventSchemas, ...webhookEventSchemas, ...operationEventSchemas }).filter((type) => type !== 'ReportingLineFenced');

const anId = once.pipe(uuid).meta({ format: 'uuid', pattern: uuidPattern.source });

/** The parameters of the audit; `limit` is undefined when none was asked for. */
export const auditParameters = z
  .strictObject({
    actor: once.max(1_000, 'Must be at most 1000 characters').optional().meta({ description: 'Who did it: the `sub` of the token' }),
    type: oneOf(auditedTypes).optional().meta({ description: 'The type of the event' }),
    contactId: anId.optional().meta({ description: 'The history of this contact only' }),
    companyId: anId.optional().meta({ description: 'The history of this company only' }),
    since: instant.optional().meta({ description: 'What occurred at this time or later' }),
    until: instant.optional().meta({ description: 'What occurred at this time or earlier' }),
    ...historyPaging,
  })
  .transform(({ limit, cursor, ...filter }) => ({
    filter: {
      actor: filter.actor ?? null,
      type: filter.type ?? null,
      contactId: filter.contactId ?? null,
      companyId: filter.companyId ?? null,
      since: filter.since ?? null,
      until: filter.until ?? null,
    },
    limit,
    after: cursor === undefined ? null : decodeAuditCursor(cursor),
  }));

export function encodeAuditCursor({ at, id, revision }: AuditPoint): string {
  return encodeValues(['a', at, id, revision]);
}

const auditCursorSchema = z.tuple([z.literal('a'), z.string().max(40), z.string().max(40), z.int().min(0)]);

function decodeAuditCursor(cursor: string): AuditPoint {
  const [, at, id, revision] = decodeValues(auditCursorSchema, cursor);
  return { at, id, revision };
}

export const auditEntrySchema = z
  .strictObject({
    contactId: id.optional().meta({ description: 'The contact that it happened to' }),
    companyId: id.optional().meta({ description: 'The company that it happened to' }),
    webhookId: id.optional().meta({ description: 'The webhook endpoint that it happened to' }),
    ...historyEntryShape,
  })
  .meta({ id: 'AuditEntry', description: 'One event, of the contact, the company or the webhook endpoint that it names. Of an event that an operator had a projection go past, `revision` is that of the event.' });

export type AuditEntry = z.infer<typeof auditEntrySchema>;

export const auditSchema = z.strictObject({
  data: z.array(auditEntrySchema),
  nextCursor: z.string().nullable().meta({ description: 'The `cursor` of the next page; null when this is the last' }),
});
