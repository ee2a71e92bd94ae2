// What can be asked of the event stream, and what is answered.

import { z } from 'zod';
import { isPublished, publishedTypes, TYPE_PREFIX, type PublishedType } from '../../domain/events/published.js';
import { wholeNumber } from './queries.js';
import { id, time } from './views.js';

const EVENTS_DEFAULT = 100;
const EVENTS_MAX = 1_000;

/** In the place of a position: before the first event. */
export const BEGINNING = '0';

const after = z.string('Given more than once').min(1, 'Must not be empty').optional().meta({ description: 'A position; events after it follow, from the first on unless given' });

const types = z
  .string('Given more than once')
  .optional()
  .transform((text, context): readonly PublishedType[] => {
    if (text === undefined) return publishedTypes;
    const named = text.split(',').map((name) => name.trim().replace(TYPE_PREFIX, ''));
    const known = named.filter(isPublished);
    if (known.length < named.length) context.addIssue({ code: 'custom', message: `Must be names from ${publishedTypes.join(', ')}, separated by commas` });
    return known;
  })
  .meta({ type: 'string', description: `Names of events, separated by commas; all unless given: ${publishedTypes.join(', ')}` });

export const eventsParameters = z.strictObject({
  after,
  limit: wholeNumber(1, EVENTS_MAX).default(EVENTS_DEFAULT).meta({ description: `Number of events at most; ${EVENTS_DEFAULT} unless given` }),
  types,
});

export const streamParameters = z.strictObject({ after, types });

export const cloudEventSchema = z
  .strictObject({
    specversion: z.literal('1.0'),
    id: z.string(),
    type: z.string().meta({ description: `\`${TYPE_PREFIX}\` and the name of the event` }),
    source: z.string().meta({ description: 'The organization' }),
    subject: id.meta({ description: 'The contact or company it is about' }),
    time,
    datacontenttype: z.literal('application/json'),
    dataschema: z.string().meta({ description: 'Where the schema of `data` is' }),
    position: z.string().meta({ description: 'Where it stands; to be compared for equality only' }),
    revision: z.int().meta({ description: 'Which change of the subject it is, from 0' }),
    actor: z.string(),
    requestid: z.string(),
    correlationid: z.string(),
    causationid: z.string().optional().meta({ description: 'The event that caused it; absent when a request did' }),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'CloudEvent', description: 'An event, as CloudEvents 1.0.' });

export const eventsPageSchema = z.strictObject({
  data: z.array(cloudEventSchema),
  nextPosition: z.string().meta({ description: 'The last position looked at: the `after` of the next request' }),
});
