// JSON as text: what is found, taken out, put together and quoted is what parsing would have made of it.

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { joinObjects, memberOf, quoted, withoutMember } from '../../src/domain/jsonText.js';

const key = fc.string({ unit: fc.constantFrom('"', '\\', '{', '}', 'a', 'b', 'é'), maxLength: 3 });
const object = fc.dictionary(key, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 5 });

test('each member of an object is found where it stands, and the object without it is the rest', () => {
  fc.assert(
    fc.property(object, (given) => {
      const text = JSON.stringify(given);
      // Names of members that need escaping are not asked for.
      for (const [name, value] of Object.entries(given).filter(([name]) => /^[a-z]*$/.test(name))) {
        const place = memberOf(text, name);
        expect(place === null ? null : text.slice(place.start, place.end)).toBe(JSON.stringify(value));
        const { [name]: _, ...rest } = given;
        if (place !== null) expect(withoutMember(text, name, place)).toBe(JSON.stringify(rest));
      }
      expect(memberOf(text, 'none')).toBe(null);
    }),
    { numRuns: 500 },
  );
});

test('what is no object has no members, and cannot be joined', () => {
  for (const text of ['', '[]', '"a"', 'null', '{', '{}', '{"a', '{"a"', '{"a":', '{"b":"']) expect([text, memberOf(text, 'c')]).toEqual([text, null]);
  expect([joinObjects('{}', '{"a":1}'), joinObjects('{"a":1}', '{}'), joinObjects('{"a":1}', '{"b":2}'), joinObjects('null', '{}'), joinObjects('{}', '[]')]).toEqual(['{"a":1}', '{"a":1}', '{"a":1,"b":2}', null, null]);
});

test('a text is quoted as JSON does', () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), key), (text) => expect(quoted(text)).toBe(JSON.stringify(text))));
});
