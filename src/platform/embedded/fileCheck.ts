// Checks the file of the store as of one moment: by SQLite's own check, every page and that every
// index holds just what its table does; and the full-text indexes, which keep no text, term by term
// against what the documents hold.

import type Sqlite from 'libsql';
import { decodeOrganization } from '../../domain/streams.js';
import type { Damage, DamagedDocument } from '../../ports/projectionChecks.js';
import type { ProjectionName } from '../../ports/projection.js';
import { isSqliteError } from './database.js';
import { shortGrams } from './search.js';

const INDEXES = ['search_trigrams', 'search_grams'] as const;
type Index = (typeof INDEXES)[number];

/** Of how many terms the documents are looked for, when an index holds others than it should. */
const TERMS_LOOKED_INTO = 50;
const ROWIDS_PER_COLLECTION = 2 ** 32;

/** Where a term occurs: how often, and a sum over all places. */
interface Tally {
  count: number;
  sum: number;
}

type Tallies = Record<Index, Map<string, Tally>>;

/** A place in a sum. SQLite's `%` and this one's agree. */
const PLACE = '(doc % 1000003) * 1009 + coalesce(offset, 0)';
const placeOf = (rowid: number, offset: number) => (rowid % 1_000_003) * 1_009 + offset;

/** Within a read transaction of `handle`. */
export function checkFile(handle: Sqlite.Database): Damage {
  const lines = checkPages(handle);
  if (!hasDocuments(handle)) return { lines, documents: [] };
  try {
    return { lines, documents: checkTexts(handle, lines) };
  } catch (error) {
    // What is damaged cannot all be gone through.
    if (lines.length === 0 || !isSqliteError(error)) throw error;
    return { lines: [...lines, `the full-text indexes were not checked to their end: ${error.message}`], documents: [] };
  }
}

/** Documents of which the full-text indexes hold something else; where none is known, that is a line. */
function checkTexts(handle: Sqlite.Database, lines: string[]): DamagedDocument[] {
  const rowids = new Set<number>(INDEXES.flatMap((index) => withoutDocument(handle, index)));
  const expected = talliesOf(handle, rowids);
  for (const index of INDEXES) {
    const terms = differingTerms(handle, index, expected[index]);
    const found = terms.slice(0, TERMS_LOOKED_INTO).flatMap((term) => holdersDiffering(handle, index, term));
    for (const rowid of found) rowids.add(rowid);
    if (terms.length > 0 && rowids.size === 0) lines.push(`${index}: ${terms.length} terms stand at other places than in the documents`);
  }
  return [...rowids].flatMap((rowid) => documentAt(handle, rowid));
}

/** SQLite's own check, a line each. */
function checkPages(handle: Sqlite.Database): string[] {
  const check = 'SELECT integrity_check AS found FROM pragma_integrity_check';
  const linesOf = (sql: string) => all<{ found: string }>(handle, sql).flatMap(({ found }) => found.split('\n')).filter((line) => line !== 'ok' && !line.startsWith('***'));
  try {
    return linesOf(check);
  } catch (error) {
    if (!isSqliteError(error)) throw error;
    // Damaged trees are told of in the first row; to hold a table's rows against its indexes, they must be whole.
    return [...linesOf(`${check} LIMIT 1`), `rows were not held against their indexes: ${error.message}`];
  }
}

function hasDocuments(handle: Sqlite.Database): boolean {
  return all(handle, `SELECT 1 FROM sqlite_master WHERE name = 'search_trigrams'`).length > 0;
}

function withoutDocument(handle: Sqlite.Database, index: Index): number[] {
  const sql = `SELECT id FROM ${index}_docsize s WHERE NOT EXISTS (SELECT 1 FROM documents d WHERE d.rowid = s.id)`;
  return all<{ id: number }>(handle, sql).map(({ id }) => id);
}

/** What the indexes should hold; documents of which they hold another number of terms are added to `rowids`. */
function talliesOf(handle: Sqlite.Database, rowids: Set<number>): Tallies {
  const tallies: Tallies = { search_trigrams: new Map(), search_grams: new Map() };
  const sql = `SELECT d.rowid, d.searchable, t.sz AS trigrams, g.sz AS grams FROM documents d
    LEFT JOIN search_trigrams_docsize t ON t.id = d.rowid LEFT JOIN search_grams_docsize g ON g.id = d.rowid`;
  const rows = handle.prepare(sql).iterate([]) as IterableIterator<{ rowid: number; searchable: string; trigrams: Buffer | null; grams: Buffer | null }>;
  for (const { rowid, searchable, ...sizes } of rows) {
    const characters = [...searchable];
    const trigrams = Math.max(characters.length - 2, 0);
    for (let at = 0, offset = 0; at < trigrams; at += 1, offset += 1) {
      add(tallies.search_trigrams, `${characters[at]}${characters[at + 1]}${characters[at + 2]}`, placeOf(rowid, offset));
    }
    const grams = shortGrams(searchable).split(' ').filter((gram) => gram !== '');
    for (const gram of grams) add(tallies.search_grams, gram, placeOf(rowid, 0));
    if (sizeOf(sizes.trigrams) !== trigrams || sizeOf(sizes.grams) !== grams.length) rowids.add(rowid);
  }
  return tallies;
}

function add(tallies: Map<string, Tally>, term: string, place: number): void {
  const known = tallies.get(term);
  if (known === undefined) tallies.set(term, { count: 1, sum: place });
  else {
    known.count += 1;
    known.sum += place;
  }
}

/** How many terms an index has of a document, as FTS5 keeps it: seven bits a byte, the highest first, each but the last marked. */
function sizeOf(bytes: Buffer | null): number {
  let value = bytes === null ? -1 : 0;
  for (const byte of new Uint8Array(bytes ?? [])) {
    value = value * 128 + (byte & 127);
    if (byte < 128) break;
  }
  return value;
}

function differingTerms(handle: Sqlite.Database, index: Index, expected: Map<string, Tally>): string[] {
  handle.exec(`CREATE VIRTUAL TABLE temp.${index}_terms USING fts5vocab(main, ${index}, instance)`);
  const sql = `SELECT term, count(*) AS count, sum(${PLACE}) AS sum FROM temp.${index}_terms GROUP BY term`;
  const differing: string[] = [];
  for (const { term, count, sum } of handle.prepare(sql).iterate([]) as IterableIterator<Tally & { term: string }>) {
    const tally = expected.get(term);
    if (tally?.count !== count || tally.sum !== sum) differing.push(term);
    expected.delete(term);
  }
  return [...differing, ...expected.keys()];
}

/** The rowids at which either the index has a term or the document, and not both. */
function holdersDiffering(handle: Sqlite.Database, index: Index, term: string): number[] {
  const inIndex = all<{ doc: number }>(handle, `SELECT doc FROM temp.${index}_terms WHERE term = ?`, term).map(({ doc }) => doc);
  const inText = all<{ rowid: number }>(handle, 'SELECT rowid FROM documents WHERE instr(searchable, ?) > 0', term).map(({ rowid }) => rowid);
  const [a, b] = [new Set(inIndex), new Set(inText)];
  return [...inIndex.filter((rowid) => !b.has(rowid)), ...inText.filter((rowid) => !a.has(rowid))];
}

function documentAt(handle: Sqlite.Database, rowid: number): DamagedDocument[] {
  const sql = `SELECT c.projection, c.organization, (SELECT id FROM documents WHERE rowid = ?1) AS id FROM collections c
    JOIN generations g ON g.projection = c.projection AND g.number = c.generation AND g.state = 'live' WHERE c.number = ?2`;
  const rows = all<{ projection: ProjectionName; organization: string; id: string | null }>(handle, sql, rowid, Math.floor(rowid / ROWIDS_PER_COLLECTION));
  return rows.map(({ projection, organization, id }) => {
    return { projection, organizationId: decodeOrganization(organization), id, part: 'search' };
  });
}

function all<Row>(handle: Sqlite.Database, sql: string, ...values: (string | number)[]): Row[] {
  return handle.prepare(sql).all(values) as Row[];
}
