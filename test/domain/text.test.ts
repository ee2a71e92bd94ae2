// How text compares: folding, what a search looks into, and the words of a search.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { foldText, searchableText, searchWords } from '../../src/domain/text.js';

const anyText = fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.string({ unit: 'grapheme', maxLength: 12 }));

describe('folding', () => {
  test.each([
    ['  Zoë\tMÜLLER \n', 'zoe muller'],
    ['Straße', 'strasse'],
    ['STRASSE', 'strasse'],
    ['ΟΔΟΣ', 'οδοσ'],
    ['Οδός', 'οδοσ'],
    ['Ångström', 'angstrom'],
    ['Łódź Ørsted', 'łodz ørsted'],
    ['ﬁnance', 'finance'],
    ['１２３', '123'],
    ['a\u0000b\u0007c', 'a b c'],
    ['a\u00a0\u3000b', 'a b'],
    ['İstanbul', 'istanbul'],
    ['', ''],
    ['\u0301', ''],
  ])('%j is %j', (text, folded) => {
    expect(foldText(text)).toBe(folded);
  });

  test('done twice is done once', () => {
    fc.assert(fc.property(anyText, (text) => expect(foldText(foldText(text))).toBe(foldText(text))), { numRuns: 2_000 });
  });

  test('does not tell composed from decomposed, upper from lower case, nor runs of white space apart', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(foldText(text.normalize('NFC'))).toBe(foldText(text.normalize('NFD')));
        expect(foldText(` ${text}\n\t`)).toBe(foldText(text));
      }),
    );
    for (const text of ['Zoë Müller', 'ΟΔΥΣΣΕΥΣ', 'ЁЖИК', 'ĲSSEL', 'ÇA VA']) {
      expect(foldText(text.toUpperCase())).toBe(foldText(text.toLowerCase()));
    }
  });

  test('folds plain ASCII, which has a way of its own, as the same text beside another letter', () => {
    const ascii = fc.string({ unit: 'binary-ascii', maxLength: 20 });
    fc.assert(fc.property(ascii, (text) => expect(foldText(`${text}é`)).toBe(foldText(`${text}e`))), { numRuns: 2_000 });
  });

  test('leaves no control character, no mark, no doubled or outer space', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(foldText(text)).not.toMatch(/\p{Cc}|\p{M}| {2}|^ | $/u);
      }),
    );
  });
});

describe('what a search looks into', () => {
  test('has each text on a line of its own and the digits of the phone on the last', () => {
    expect(searchableText(['Zoë', null, 'zoe@x.example'], '+44 (20) 7946-0018')).toBe('zoe\nzoe@x.example\n４４２０７９４６００１８');
    expect(searchableText([null], null)).toBe('');
  });

  test('holds every word that was taken from one of its texts', () => {
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 1, maxLength: 3 }), (texts) => {
        const searchable = searchableText(texts, null);
        for (const text of texts) for (const { literal } of searchWords(text)) expect(searchable).toContain(literal);
      }),
    );
  });

  test('holds the digits of a phone however they are typed', () => {
    const phone = fc.stringMatching(/^\+?[0-9]{3,12}$/);
    fc.assert(
      fc.property(phone, fc.constantFrom('-', '.', '/', ')('), (number, separator) => {
        const [word] = searchWords(number.replace(/(\d)(\d)/g, `$1${separator}$2`));
        expect(searchableText([], number)).toContain(word?.digits);
      }),
    );
  });
});

describe('the words of a search', () => {
  test('are folded, each once, in their order', () => {
    expect(searchWords('  Zoë zoe  MÜLLER ').map(({ literal }) => literal)).toEqual(['zoe', 'muller']);
    expect(searchWords(' \t')).toEqual([]);
  });

  test('can be part of a phone when they hold nothing but digits and what stands between them', () => {
    const digitsOf = (search: string) => searchWords(search).map(({ digits }) => digits);
    expect(digitsOf('+44-20')).toEqual(['４４２０']);
    expect(digitsOf('(020) 7946')).toEqual(['０２０', '７９４６']);
    expect(digitsOf('a1')).toEqual([null]);
    expect(digitsOf('-')).toEqual([null]);
    expect(digitsOf('+()')).toEqual([null]);
  });
});
