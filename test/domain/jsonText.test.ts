// JSON as text: what is found, taken out, put together and quoted is what parsing would have made of it.

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { putBefore, quoted, startOfMember } from '../../src/domain/jsonText.js';

const key = fc.string({ unit: fc.constantFrom('"', '\\', '{', '}', 'a', 'b', 'é'), maxLength: 3 });
const object = fc.dictionary(key, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 5 });

const isPlain = (name: string) => /^[a-z]*$/.test(name);

test('each member of an object is found where it stands', () => {
  fc.assert(
    fc.property(object, (given) => {
      const text = JSON.stringify(given);
      // Names of members that need escaping are not asked for.
      for (const [name, value] of Object.entries(given).filter(([name]) => isPlain(name))) {
        const [start, json] = [startOfMember(text, name), JSON.stringify(value)];
        expect(text.slice(start - name.length - 3, start + json.length)).toBe(`"${name}":${json}`);
      }
      expect(startOfMember(text, 'none')).toBe(-1);
    }),
    { numRuns: 500 },
  );
});

test('the members of an object are put before those of another, nested ones likewise', () => {
  const named = (prefix: string) => fc.dictionary(key.map((name) => prefix + name), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 });
  const inside = (prefix: string) => fc.dictionary(key.map((name) => prefix + name), fc.jsonValue({ maxDepth: 2 }), { minKeys: 1, maxKeys: 3 });
  const side = (prefix: string) => fc.tuple(named(`${prefix}1`), fc.option(inside(prefix)), named(`${prefix}2`), fc.option(inside(prefix)), named(`${prefix}3`));
  const toObject = ([before, x, between, y, after]: readonly [object, object | null, object, object | null, object]): Record<string, object> => ({
    ...before,
    ...(x === null ? {} : { x }),
    ...between,
    ...(y === null ? {} : { y }),
    ...after,
  });
  fc.assert(
    fc.property(side('a').map(toObject), side('b').map(toObject), named('around'), (first, second, around) => {
      const both = { ...first, ...second };
      for (const name of ['x', 'y']) if (first[name] !== undefined && second[name] !== undefined) both[name] = { ...first[name], ...second[name] };
      const text = JSON.stringify({ ...around, it: second, more: ['}'] });
      expect(putBefore(text, startOfMember(text, 'it'), JSON.stringify(first), ['x', 'y'])).toBe(JSON.stringify({ ...around, it: both, more: ['}'] }));
    }),
    { numRuns: 500 },
  );
});

test('what is no object has no members, and cannot be put together', () => {
  for (const text of ['', '[]', '"a"', 'null', '{', '{}', '{"a', '{"a"', '{"a":', '{"b":"']) {
    expect([text, startOfMember(text, 'c'), putBefore('{"a":1', 0, '{}', []), putBefore('{}', 0, text === '{}' ? '[]' : text, [])]).toEqual([text, -1, null, null]);
  }
  // Nor what they have in common, when it is no object, empty, or in another order.
  for (const [first, second] of [['{"x":1}', '{"x":{"b":1}}'], ['{"x":{}}', '{"x":{"b":1}}'], ['{"y":{"a":1},"x":{"a":1}}', '{"x":{"b":1},"y":{"b":1}}']] as const) {
    expect([first, putBefore(second, 0, first, ['x', 'y'])]).toEqual([first, null]);
  }
  expect(putBefore('{"b":1}', 0, '{}', [])).toBe('{"b":1}');
});

test('a text is quoted as JSON does', () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), key), (text) => expect(quoted(text)).toBe(JSON.stringify(text))));
});
