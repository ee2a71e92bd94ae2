// Search in MongoDB: each document lists its grams, the runs of one to three characters within its
// words, in an index of many keys. What an index finds by grams is held against the text itself.

import type { Filter } from 'mongodb';
import type { SearchWord } from '../../domain/text.js';

const GRAM = 3;
/** The characters of names, addresses and numbers, the most frequent first, as counted in what `seed` makes. */
const FREQUENT = 'aeniolsr-m2.4h0tg8u9p56kc7xd@+byzjfvw';

interface Searchable {
  text: string;
  grams: string[];
}

/** The text whose grams were asked for last: most changes of a document leave it as it is. */
let last = { searchable: '', grams: [] as readonly string[] };

/** Every run of one to three characters within the words of a text, each once. */
export function gramsOf(searchable: string): readonly string[] {
  if (last.searchable !== searchable) last = { searchable, grams: runsOf(searchable) };
  return last.grams;
}

function runsOf(searchable: string): string[] {
  const grams = new Set<string>();
  for (const word of searchable.split(/[ \n]/)) {
    const characters = [...word];
    for (let start = 0; start < characters.length; start += 1) {
      for (let end = start + 1; end <= Math.min(start + GRAM, characters.length); end += 1) grams.add(characters.slice(start, end).join(''));
    }
  }
  return [...grams];
}

/**
 * What a document must meet for all of `words` (at least one) to be found in it. One gram is asked for, of
 * all words: MongoDB narrows by one key of an index of many, whichever of several it comes upon. A word
 * that is found one way only is narrowed by rather than one that is found by its digits, too.
 */
export function searchFilter(words: readonly SearchWord[]): Filter<Searchable> {
  const narrowest = words.reduce((one, other) => (breadth(other) < breadth(one) ? other : one));
  return { $and: words.map((word) => either(word, word === narrowest ? inGrams : inText)) };
}

function breadth({ literal, digits }: SearchWord): number {
  return digits === null ? frequency(rarestRun(literal)) : Infinity;
}

function either({ literal, digits }: SearchWord, holds: (word: string) => Filter<Searchable>): Filter<Searchable> {
  return digits === null ? holds(literal) : { $or: [holds(literal), holds(digits)] };
}

function inText(word: string): Filter<Searchable> {
  return { text: { $regex: literally(word) } };
}

/** A word of up to three characters is a gram itself. */
function inGrams(word: string): Filter<Searchable> {
  const run = rarestRun(word);
  return run === word ? { grams: run } : { grams: run, ...inText(word) };
}

/** The run of three characters that is likely in the fewest texts; of a shorter word itself. */
function rarestRun(word: string): string {
  const characters = [...word];
  const runs = characters.map((_, start) => characters.slice(start, start + GRAM).join('')).slice(0, Math.max(1, characters.length + 1 - GRAM));
  return runs.reduce((one, other) => (frequency(other) < frequency(one) ? other : one));
}

/** A guess at which of two runs is in more texts: half as many are looked at as by the first run of each word. */
function frequency(run: string): number {
  const characters = [...run];
  const ranks = characters.map((character) => (FREQUENT.includes(character) ? FREQUENT.length - FREQUENT.indexOf(character) : 0));
  return ranks.reduce((sum, rank) => sum + rank, (GRAM - characters.length) * FREQUENT.length);
}

/** A pattern that matches `text` and nothing else. */
function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
