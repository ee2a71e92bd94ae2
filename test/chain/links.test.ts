// The canonical JSON of links.

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson } from '../../src/chain/links.js';
import type { Json } from '../../src/domain/json.js';

const key = fc.oneof(fc.string({ maxLength: 4 }), fc.constantFrom('__proto__', '1', '10', '9', '-1', '', 'a', 'B', 'é', '\u{1f600}', '\uffff'));
const json = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, fc.string(), fc.integer(), fc.double({ noDefaultInfinity: true, noNaN: true }), fc.boolean(), fc.constant(null), fc.array(tie('value'), { maxLength: 4 }), fc.dictionary(key, tie('value'), { maxKeys: 6 })),
})).value;

/** As it is said: each object's keys by code units, whatever they are. */
function spelledOut(value: Json): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(spelledOut).join(',')}]`;
  const members = Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${spelledOut(value[name] as Json)}`);
  return `{${members.join(',')}}`;
}

test('has the keys of each object in the order of their code units', () => {
  expect(canonicalJson({ b: 1, a: [{ d: null, c: 'x' }], '10': 0, '9': 0 })).toBe('{"10":0,"9":0,"a":[{"c":"x","d":null}],"b":1}');
  fc.assert(fc.property(json, (value) => expect(canonicalJson(value)).toBe(spelledOut(value))), { numRuns: 2_000 });
});

test('leaves out what is undefined', () => {
  expect(canonicalJson({ b: undefined, a: 1 } as unknown as Json)).toBe('{"a":1}');
});
