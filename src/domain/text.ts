// How text is compared: one folded form for sorting by name, for departments and for search.

/** ASCII without control characters. */
const PLAIN = /^[ -~]*$/;

/**
 * The form in which two texts are the same text: NFKD, combining marks removed, case folded,
 * trimmed, white space and control characters as single spaces. Letters such as ø, ł, đ stay
 * letters of their own. Ordered by code point.
 */
export function foldText(text: string): string {
  // Most texts are plain: of those, case and spaces are all there is to it, which takes a fifth of the time.
  if (PLAIN.test(text)) return text.toLowerCase().replace(/ {2,}/g, ' ').trim();
  return text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replaceAll('ß', 'ss')
    .replaceAll('ς', 'σ')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
}

/** Negative, zero or positive as `a` is before, equal to or after `b`, by code point: as stores order text. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const [x, y] = [a.charCodeAt(index), b.charCodeAt(index)];
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** The place of a UTF-16 unit: surrogates stand for code points after all others. */
const rank = (unit: number) => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x1_0000 : unit);

/** What a search looks into: each text folded on a line of its own, then the digits of the phone. */
export function searchableText(texts: readonly (string | null)[], phone: string | null): string {
  const lines = texts.filter((text) => text !== null).map(foldText);
  if (phone !== null) lines.push(phoneDigits(phone));
  return lines.join('\n');
}

/** A word of a search: found where the text holds `literal`, or `digits` when it may be part of a phone. */
export interface SearchWord {
  literal: string;
  digits: string | null;
}

/** The words of a search as typed, all of which must be found; none when it holds no text. */
export function searchWords(search: string): SearchWord[] {
  const words = foldText(search).split(' ').filter((word) => word !== '');
  return [...new Set(words)].map((literal) => ({
    literal,
    digits: /^[\d\s()+./-]*\d[\d\s()+./-]*$/.test(literal) ? phoneDigits(literal) : null,
  }));
}

const FULL_WIDTH_ZERO = 0xff10;

/**
 * The digits of a phone number, whatever the punctuation, as full-width digits: folding never
 * leaves those in a text, so digits of a phone are not mistaken for digits of a name or an email.
 */
function phoneDigits(phone: string): string {
  let digits = '';
  for (const character of foldText(phone)) {
    if (character >= '0' && character <= '9') digits += String.fromCharCode(FULL_WIDTH_ZERO + Number(character));
  }
  return digits;
}
