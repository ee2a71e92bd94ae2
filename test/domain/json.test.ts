// Merge patches: applying one, and finding the one between two values.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { applyMergePatch, jsonEqual, mergePatchBetween, weightOf, type Json, type JsonObject } from '../../src/domain/json.js';

const hostileKeys = ['__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString', '', '0', 'a'];
const key = fc.oneof(fc.constantFrom(...hostileKeys), fc.string({ maxLength: 3 }));

/** An object made so that a key `__proto__` is a key like any other. */
const objectOf = (value: fc.Arbitrary<Json>) => fc.array(fc.tuple(key, value), { maxLength: 5 }).map((entries): JsonObject => Object.fromEntries(entries));
const scalar: fc.Arbitrary<Json> = fc.oneof(fc.constantFrom('', 'x', 'y'), fc.integer({ min: 0, max: 3 }), fc.boolean());
/** Any JSON; `nulls`: also as the value of a key. */
const json = (nulls: boolean) =>
  fc.letrec<{ value: Json; object: Json; list: Json }>((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, scalar, ...(nulls ? [fc.constant(null)] : []), tie('list'), tie('object')),
    list: fc.array(fc.oneof(scalar, fc.constant(null), tie('object')), { maxLength: 3 }),
    object: objectOf(tie('value')),
  }));
const storable = json(false).object as fc.Arbitrary<JsonObject>;
const anyObject = json(true).object as fc.Arbitrary<JsonObject>;

const holdsNull = (value: Json): boolean =>
  value === null || (typeof value === 'object' && !Array.isArray(value) && Object.values(value).some(holdsNull));

test('every example of RFC 7396 gives what the RFC says', () => {
  const examples: [string, string, string][] = [
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', '{}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"a":"b"}', '["c"]', '["c"]'],
    ['{"a":"foo"}', 'null', 'null'],
    ['{"a":"foo"}', '"bar"', '"bar"'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
    ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ];
  for (const [target, patch, result] of examples) {
    expect(applyMergePatch(JSON.parse(target), JSON.parse(patch))).toEqual(JSON.parse(result));
  }
});

describe('the patch between two objects', () => {
  test('makes the second of the first, also with keys that name what objects inherit', () => {
    fc.assert(
      fc.property(storable, storable, (before, after) => {
        const patch = mergePatchBetween(before, after);
        const result = patch === undefined ? before : applyMergePatch(before, patch);
        expect(JSON.parse(JSON.stringify(result))).toEqual(JSON.parse(JSON.stringify(after)));
        expect(jsonEqual(result, after)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test('is none exactly when they are equal', () => {
    fc.assert(
      fc.property(storable, storable, (before, after) => {
        expect(mergePatchBetween(before, after) === undefined).toBe(jsonEqual(before, after));
        expect(mergePatchBetween(before, structuredClone(before))).toBeUndefined();
      }),
    );
  });

  test('names nothing that is the same', () => {
    expect(mergePatchBetween({ a: 1, b: { c: 2, d: [1] } }, { a: 1, b: { c: 3, d: [1] } })).toEqual({ b: { c: 3 } });
    expect(mergePatchBetween({ a: { b: 1 } }, { a: {} })).toEqual({ a: { b: null } });
    expect(mergePatchBetween(undefined, { a: 1 })).toEqual({ a: 1 });
    expect(mergePatchBetween([1, 2], [2, 1])).toEqual([2, 1]);
    expect(mergePatchBetween({ list: [{ a: 1 }] }, { list: [{ a: 2 }] })).toEqual({ list: [{ a: 2 }] });
  });
});

describe('applying a patch', () => {
  test('twice is applying it once, and leaves no null outside arrays of what it wrote', () => {
    fc.assert(
      fc.property(storable, anyObject, (target, patch) => {
        const once = applyMergePatch(target, patch);
        expect(jsonEqual(applyMergePatch(once, patch), once)).toBe(true);
        expect(holdsNull(once)).toBe(false);
      }),
    );
  });

  test('changes neither of its arguments, nor any prototype', () => {
    fc.assert(
      fc.property(storable, anyObject, (target, patch) => {
        const before = JSON.stringify([target, patch]);
        const merged = applyMergePatch(target, patch) as JsonObject;
        expect(JSON.stringify([target, patch])).toBe(before);
        expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
    );
    const merged = applyMergePatch({}, JSON.parse('{"__proto__": {"polluted": true}}')) as JsonObject;
    expect(Object.keys(merged)).toEqual(['__proto__']);
    expect(merged.polluted).toBeUndefined();
    expect(({} as JsonObject).polluted).toBeUndefined();
  });
});

test('JSON is equal whatever the order of keys, and not when a key is only inherited or a value undefined', () => {
  expect(jsonEqual({ a: 1, b: [{ c: null }] }, { b: [{ c: null }], a: 1 })).toBe(true);
  expect(jsonEqual({ a: 1 }, { a: 2 })).toBe(false);
  expect(jsonEqual({ a: 1 }, { b: 1 })).toBe(false);
  expect(jsonEqual({ toString: 1 }, {})).toBe(false);
  expect(jsonEqual([1, 2], [2, 1])).toBe(false);
  expect(jsonEqual([], {})).toBe(false);
  expect(jsonEqual(null, undefined)).toBe(false);
  expect(jsonEqual(0, false)).toBe(false);
});

test('what empty objects take is told, which is many times their JSON', () => {
  const weight = (value: Json) => weightOf(value) / JSON.stringify(value).length;
  expect(weight(Array.from({ length: 1_000 }, () => ({})))).toBeGreaterThan(20);
  expect(weight({ a: [[[[]]]] })).toBeGreaterThan(10);
  for (const value of ['x'.repeat(1_000), { notes: 'x'.repeat(1_000) }, ['x'.repeat(500), 'y'.repeat(500)]]) {
    expect(weight(value)).toBeGreaterThan(0.9);
    expect(weight(value)).toBeLessThan(1.3);
  }
});
