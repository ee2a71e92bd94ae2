// The search of the lists: any input is literal text, and what it finds is what a look at every
// contact finds.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { foldText } from '../../src/domain/text.js';
import { startTestService, type Client, type TestService } from '../support/service.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

interface Made {
  id: string;
  name: string;
  displayName: string | null;
  email: string | null;
  phone: string | null;
}

async function idsFor(client: Client, search: string, more = ''): Promise<string[]> {
  const { status, body } = await client.get(`/contacts?limit=100&search=${encodeURIComponent(search)}${more}`);
  expect(status).toBe(200);
  expect(body.total).toBe(body.data.length);
  return body.data.map(({ id }: Made) => id).sort();
}

describe('hostile input is literal text', () => {
  let client: Client;
  let ids: Record<string, string>;
  beforeAll(async () => {
    client = service.client();
    ids = {};
    for (const name of ['plain', 'a OR b', 'NEAR(x y, 2)', 'name:plain', 'star*', 'say "hi"', "it's", 'a_b%c', 'x\0y', '{col}: ^start', 'a+b-c', '[set] (par)', 'back\\slash', '; DROP TABLE documents', '💥 bang']) {
      ids[name] = (await client.post('/contacts', { name })).body.id;
    }
  });

  test.each([
    ['OR', ['a OR b']],
    ['a or b', ['a OR b']],
    ['plain OR star', []],
    ['plain NOT star', []],
    ['NEAR(x y', ['NEAR(x y, 2)']],
    ['NEAR(plain star)', []],
    ['name:plain', ['name:plain']],
    ['searchable:plain', []],
    ['star*', ['star*']],
    ['pla*', []],
    ['"hi"', ['say "hi"']],
    ['"', ['say "hi"']],
    ['""', []],
    ["'", ["it's"]],
    ["' OR '1'='1", []],
    ['_b%', ['a_b%c']],
    ['a%c', []],
    ['a_OR', []],
    ['\0', []],
    ['x\0y', ['NEAR(x y, 2)', 'x\0y']],
    ['^start', ['{col}: ^start']],
    ['{col}:', ['{col}: ^start']],
    ['+b-', ['a+b-c']],
    ['-c', ['a+b-c']],
    ['(par)', ['[set] (par)']],
    ['[', ['[set] (par)']],
    ['k\\s', ['back\\slash']],
    ['; drop', ['; DROP TABLE documents']],
    ['💥', ['💥 bang']],
    ['💥 BANG', ['💥 bang']],
  ])('%j finds %j', async (search, expected) => {
    const found = await idsFor(client, search);
    // A search of nothing but white space and controls is no search: it shows all.
    if (foldText(search) === '') expect(found).toHaveLength(15);
    else expect(found).toEqual(expected.map((name) => ids[name]).sort());
  });
});

describe('finds what a look at every contact finds', () => {
  const piece = fc.constantFrom('an', 'Än', 'é', 'e', 'ß', 'ss', 'ø', '1', '12', '34', '-', '.', ' ', '@', '日本', '💥', 'x');
  const text = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(''));
  const phonePiece = fc.constantFrom('1', '12', '34', ' ', '-', '(', ')', '+', '.');
  const phone = fc.array(phonePiece, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join(''));
  const contact = fc.record({
    name: text.map((name) => `n${name}`),
    displayName: fc.option(text),
    email: fc.option(fc.constantFrom('an@x.org', 'e12@an.org', 'x.34@ss.org')),
    phone: fc.option(phone),
  });

  let client: Client;
  let made: Made[];
  beforeAll(async () => {
    client = service.client();
    const samples = fc.sample(contact, { numRuns: 80, seed: 7 });
    made = await Promise.all(samples.map(async (sample) => (await client.post('/contacts', sample)).body as Made));
  });

  const digitsOf = (value: string) => value.replace(/\D/g, '');

  /** Whether every word of the search is in one of the contact's texts, or its digits in the phone's. */
  function matches({ name, displayName, email, phone: number }: Made, search: string): boolean {
    const texts = [name, displayName, email, number].map((one) => foldText(one ?? ''));
    const words = foldText(search).split(' ');
    return words.every((word) => {
      const isPhone = /\d/.test(word) && /^[\d()+./-]+$/.test(word);
      return texts.some((one) => one.includes(word)) || (isPhone && digitsOf(number ?? '').includes(digitsOf(word)));
    });
  }

  test('whatever the words, however short', async () => {
    const search = fc.oneof(text, phone).filter((one) => foldText(one) !== '');
    let hits = 0;
    const property = fc.asyncProperty(search, async (one) => {
      const expected = made.filter((contact) => matches(contact, one)).map(({ id }) => id).sort();
      hits += expected.length;
      expect(await idsFor(client, one)).toEqual(expected);
    });
    await fc.assert(property, { numRuns: 300 });
    expect(hits).toBeGreaterThan(100);
  });

  test('in every order, with every filter', async () => {
    const found = await idsFor(client, 'an', '&orderBy=name');
    expect(found).toEqual(made.filter((contact) => matches(contact, 'an')).map(({ id }) => id).sort());
    expect(await idsFor(client, 'an', '&status=active&orderBy=updatedAt&orderDirection=asc')).toEqual(found);
    expect(await idsFor(client, 'an', '&isActive=false')).toEqual([]);
  });
});

test('the longest search and the most words are answered', async () => {
  const client = service.client();
  await client.post('/contacts', { name: 'abc '.repeat(50) });
  expect(await idsFor(client, 'a b c '.repeat(33).slice(0, 200))).toHaveLength(1);
  expect(await idsFor(client, 'abc'.repeat(66))).toHaveLength(0);
  expect(await idsFor(client, Array.from({ length: 99 }, (_, index) => String.fromCodePoint(0x4e00 + index)).join(' '))).toHaveLength(0);
});
