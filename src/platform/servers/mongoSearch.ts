// Search in MongoDB: each document lists its grams, the runs of one to three characters within its
// words, in an index of many keys. What an index finds by grams is held against the text itself.

import type { Filter } from 'mongodb';
import type { SearchWord } from '../../domain/text.js';

const GRAM = 3;
/** How many of a long word's grams are asked for; the text decides. */
const MOST_GRAMS = 8;

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

/** What a document must meet for all of `words` (at least one) to be found in it; those that are found one way only come first. */
export function searchFilter(words: readonly SearchWord[]): Filter<Searchable> {
  const plain = words.filter(({ digits }) => digits === null).map(({ literal }) => holds(literal));
  const either = words.flatMap(({ literal, digits }) => (digits === null ? [] : [{ $or: [holds(literal), holds(digits)] }]));
  return { $and: [...plain, ...either] };
}

/** A word of up to three characters is a gram itself; a longer one has its grams, and is in the text. */
function holds(word: string): Filter<Searchable> {
  const characters = [...word];
  if (characters.length <= GRAM) return { grams: word };
  const runs = [...new Set(characters.slice(0, 1 - GRAM).map((_, start) => characters.slice(start, start + GRAM).join('')))];
  const step = Math.ceil(runs.length / MOST_GRAMS);
  return { grams: { $all: runs.filter((_, place) => place % step === 0) }, text: { $regex: literally(word) } };
}

/** A pattern that matches `text` and nothing else. */
function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
