// Names of streams: taken apart they give what they were made of, and none is a prefix of another's.

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { companyStream, contactStream, encodeOrganization, parseStream, reportingStream } from '../../src/domain/streams.js';

const organization = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
  fc.constantFrom('a', 'a-', '-a', 'a-b', 'a%2Db', 'contact-a', '%', '..', '/', 'ä', 'a\n'),
);
const id = fc.uuid();
const names = { contact: contactStream, company: companyStream };

test('a name taken apart gives category, organization and id', () => {
  fc.assert(
    fc.property(organization, id, fc.constantFrom('contact', 'company'), (organizationId, of, category) => {
      expect(parseStream(names[category](organizationId, of))).toEqual({ category, organizationId, id: of });
      expect(parseStream(reportingStream(organizationId))).toEqual({ category: 'reporting', organizationId, id: 'lines' });
    }),
  );
});

test('what stands before the id is no prefix of another organization’s, whatever the two are called', () => {
  const before = (organizationId: string) => contactStream(organizationId, '');
  fc.assert(
    fc.property(organization, organization, (one, other) => {
      fc.pre(one !== other);
      expect(before(one).startsWith(before(other))).toBe(false);
      expect(before(other).startsWith(before(one))).toBe(false);
    }),
    { numRuns: 1_000 },
  );
});

test('names are plain ASCII without spaces or control characters', () => {
  fc.assert(fc.property(organization, (organizationId) => expect(encodeOrganization(organizationId)).toMatch(/^[!-~]+$/)));
});

test.each(['', '$stats', 'contact', 'contact-', 'contact--x', 'contact-a-', 'invoice-a-b', 'xcontact-a-b', 'Contact-a-b'])('%j is none of ours', (stream) => {
  expect(parseStream(stream)).toBeUndefined();
});
