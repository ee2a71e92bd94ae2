// What readers are told of an event's making is the same whether its metadata is taken apart or not.

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { metadataTexts, readMetadataTexts, type EventMetadata } from '../../src/domain/events/metadata.js';

const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('"', '\\', '\n', ',', '"causationId":null', 'é', '😀', '\ud800'), maxLength: 5 }));

const metadata: fc.Arbitrary<EventMetadata> = fc.record({
  organizationId: text,
  actor: fc.record({ sub: text }),
  requestId: text,
  correlationId: text,
  causationId: fc.option(text),
  occurredAt: fc.constant('2026-01-01T00:00:00.000Z'),
  schemaVersion: fc.integer({ min: 1, max: 20 }),
});

test('of metadata as it is written, and of any other, the texts are those of the metadata', () => {
  fc.assert(
    fc.property(metadata, ({ organizationId, actor, ...rest }) => {
      const given: EventMetadata = { organizationId, actor, ...rest };
      const inOtherOrder = JSON.stringify({ ...rest, actor, more: { actor: { sub: 'x' } }, organizationId });
      for (const json of [JSON.stringify(given), inOtherOrder]) expect(readMetadataTexts(json)).toEqual(metadataTexts(given));
    }),
    { numRuns: 500 },
  );
});
