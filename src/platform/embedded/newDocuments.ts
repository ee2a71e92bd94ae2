// Documents that nothing stood for before, as rows: what can be made of a change without the store.

import type { Change, DocumentSubject } from '../../ports/projection.js';
import type { SqlValue } from './database.js';
import { rowValues } from './documentRows.js';
import { historyRow, type HistoryRow } from './historyRows.js';
import { shortGrams } from './search.js';

/** A document as it is inserted. */
export interface DocumentRow {
  id: string;
  revision: number;
  status: string;
  /** Those of `ROW_COLUMNS`. */
  values: SqlValue[];
  searchable: string;
  /** What short words are found by. */
  grams: string;
}

/** A document and its history. */
export interface NewDocument extends DocumentRow, DocumentSubject {
  history: HistoryRow[];
}

export function documentRow({ id, to, document, keys }: Extract<Change, { type: 'put' }>): DocumentRow {
  const { searchable } = keys;
  return { id, revision: to, status: document.status, values: rowValues(document, keys), searchable, grams: shortGrams(searchable) };
}

/** The rows of a change; null where more than new rows come of it. */
export function newDocument(change: Change): NewDocument | null {
  const { organizationId, from, history } = change;
  if (from !== -1 || change.type === 'remove' || history.some(({ superseded }) => superseded !== null)) return null;
  return { ...documentRow(change), organizationId, history: history.map(historyRow) };
}
