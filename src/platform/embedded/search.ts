// Search within a collection: by trigrams for words of three characters and more, by runs of one
// or two characters for shorter ones. Any input is literal text.

import type { SearchWord } from '../../domain/text.js';
import type { Database, SqlValue } from './database.js';

/** Part of an SQL statement and the values it takes. */
export interface Sql {
  text: string;
  values: SqlValue[];
}

/** How a search is answered: rows that may match by an index, and what each must hold besides. */
export interface SearchPlan {
  /** A query of the rowids that the index finds. */
  candidates: Sql;
  /** Conditions on `documents d` that the index does not answer; none: the candidates are the hits. */
  rest: Sql[];
  /** Conditions on `documents d` that say all of it, for looking at one row after another. */
  all: Sql[];
}

type WordLength = 'long' | 'short' | 'mixed';

/** A document's text as it is indexed. */
export interface IndexedText {
  rowid: number;
  searchable: string;
  /** Its `shortGrams`. */
  grams: string;
}

/** Adds the texts of documents to the indexes, one index after the other. */
export function indexTexts(database: Database, texts: readonly IndexedText[]): void {
  for (const { rowid, searchable } of texts) database.run('INSERT INTO search_trigrams (rowid, searchable) VALUES (?, ?)', rowid, searchable);
  for (const { rowid, grams } of texts) database.run('INSERT INTO search_grams (rowid, grams) VALUES (?, ?)', rowid, grams);
}

/** Takes a document's text out of the indexes. */
export function unindexText(database: Database, rowid: number): void {
  database.run('DELETE FROM search_trigrams WHERE rowid = ?', rowid);
  database.run('DELETE FROM search_grams WHERE rowid = ?', rowid);
}

/** How to find all of `words` (at least one) among the rowids from `first` to `last`. */
export function planSearch(words: readonly SearchWord[], first: number, last: number): SearchPlan {
  const all = words.map(holds);
  const indexed = (length: WordLength) => words.filter((word) => lengthOf(word) === length);
  const range = { text: 'rowid BETWEEN ? AND ?', values: [first, last] };
  const notIn = (used: readonly SearchWord[]) => words.filter((word) => !used.includes(word)).map(holds);
  for (const [length, table] of [['long', 'search_trigrams'], ['short', 'search_grams']] as const) {
    const used = indexed(length);
    if (used.length > 0) return { candidates: matching(table, used.map(matchWord).join(' AND '), range), rest: notIn(used), all };
  }
  const [word] = words as [SearchWord];
  const long = matching('search_trigrams', quote(word.literal), range);
  const short = matching('search_grams', quote(word.digits ?? ''), range);
  const candidates = { text: `${long.text} UNION ${short.text}`, values: [...long.values, ...short.values] };
  return { candidates, rest: notIn([word]), all };
}

/** Every run of one or two characters within the words of a text, each once, in FTS5's form. */
export function shortGrams(searchable: string): string {
  const grams = new Set<string>();
  for (const word of searchable.split(/[ \n]/)) {
    let before = '';
    for (const character of word) {
      grams.add(character);
      if (before !== '') grams.add(before + character);
      before = character;
    }
  }
  return [...grams].join(' ');
}

function matching(table: 'search_trigrams' | 'search_grams', match: string, range: Sql): Sql {
  return { text: `SELECT rowid FROM ${table} WHERE ${table} MATCH ? AND ${range.text}`, values: [match, ...range.values] };
}

function matchWord({ literal, digits }: SearchWord): string {
  return digits === null ? quote(literal) : `(${quote(literal)} OR ${quote(digits)})`;
}

/** A string of FTS5: nothing in it is an operator. */
function quote(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

/** That `documents d` holds a word. */
export function holds({ literal, digits }: SearchWord): Sql {
  const one = 'instr(d.searchable, ?) > 0';
  return digits === null ? { text: one, values: [literal] } : { text: `(${one} OR ${one})`, values: [literal, digits] };
}

function lengthOf({ literal, digits }: SearchWord): WordLength {
  const lengths = [literal, digits ?? literal].map((text) => [...text].length);
  if (lengths.every((length) => length >= 3)) return 'long';
  return lengths.every((length) => length < 3) ? 'short' : 'mixed';
}
