// The history of documents as MongoDB keeps it: an entry for each event, and each version that is
// no longer the newest, beside the documents of their generation. Written before the documents, so
// that none is ever seen without; written again, they are the same.

import type { AnyBulkWriteOperation, Collection, IndexDescription } from 'mongodb';
import { eraseEntity } from '../../domain/history.js';
import { contactKeys } from '../../domain/keys.js';
import type { Change, DocumentSubject, HistoryEntry, Version } from '../../ports/projection.js';
import { changesText, erasedUpdates, ERASING_EVENT, headOf } from '../historyText.js';
import { isDuplicateKey } from './mongoConnection.js';
import { afterChange, documentKey, entityOf, type LiveDocument } from './mongoDocuments.js';

export interface EntryDocument {
  /** `<key of the document>/<revision>`, so that those of a document lie together, in order. */
  _id: string;
  organization: string;
  id: string;
  revision: number;
  at: string;
  actor: string;
  type: string;
  head: string;
  /** Absent where they are all that the first version has set. */
  changes?: string;
}

/** A document as it stood from `updatedAt` until `until`. */
export type VersionDocument = LiveDocument & { id: string; until: string; updatedAt: string };

export interface HistoryCollections {
  entries: Collection<EntryDocument>;
  versions: Collection<VersionDocument>;
}

const index = (name: string, ...fields: string[]): IndexDescription => ({
  name,
  key: Object.fromEntries(['organization', ...fields].map((field) => [field, 1])),
});

const order = ['at', 'id', 'revision'];
export const entryIndexes: readonly IndexDescription[] = [
  index('by_time', ...order),
  index('by_actor', 'actor', ...order),
  index('by_type', 'type', ...order),
];
export const versionIndexes: readonly IndexDescription[] = [index('by_end', 'until', 'updatedAt'), index('by_id', 'id', 'until')];

/** The bounds of the keys of a document's entries or versions, from that after `revision` on. */
export function keysAfter(subject: DocumentSubject, revision: number) {
  return { $gt: keyAt(subject, revision), $lt: `${documentKey(subject)}0` };
}

/** Writes what changes say of the history; what is there already stays. */
export async function writeHistory({ entries, versions }: HistoryCollections, changes: readonly Change[]): Promise<void> {
  const told = changes.flatMap((change) => change.history.map((entry) => ({ change, entry })));
  await Promise.all([
    insertAll(versions, told.flatMap(({ change, entry }) => (entry.superseded === null ? [] : [versionOf(change, entry.superseded, entry.at)]))),
    insertAll(entries, told.map(({ change, entry }) => entryOf(change, entry))),
  ]);
  for (const { change, entry } of told) if (entry.type === ERASING_EVENT) await erase({ entries, versions }, change);
}

/** What is kept of the history that a change tells, in order. */
export function keptHistory(change: Change): { entries: EntryDocument[]; versions: VersionDocument[] } {
  const { history } = change;
  return {
    entries: history.map((entry) => entryOf(change, entry)),
    versions: history.flatMap(({ superseded, at }) => (superseded === null ? [] : [versionOf(change, superseded, at)])),
  };
}

function keyAt(subject: DocumentSubject, revision: number): string {
  // No revision is before the first; a hyphen sorts before the digits.
  return `${documentKey(subject)}/${revision < 0 ? '-' : String(revision).padStart(12, '0')}`;
}

function entryOf(subject: DocumentSubject, entry: HistoryEntry): EntryDocument {
  const { organizationId: organization, id } = subject;
  const { revision, at, actor, type } = entry;
  const changes = changesText(entry);
  const document = { _id: keyAt(subject, revision), organization, id, revision, at, actor: actor.sub, type, head: headOf(entry) };
  return changes === null ? document : { ...document, changes };
}

function versionOf(subject: DocumentSubject, { revision, document, keys }: Version, until: string): VersionDocument {
  const { organizationId, id } = subject;
  const stood = afterChange({ organizationId, id, from: -1, to: revision, history: [], type: 'put', document, keys }) as LiveDocument;
  return { ...stood, _id: keyAt(subject, revision), id, until, updatedAt: document.updatedAt };
}

/** Takes what is personal out of all that is kept of a contact. */
async function erase({ entries, versions }: HistoryCollections, subject: DocumentSubject): Promise<void> {
  const all = { _id: keysAfter(subject, -1) };
  const stood = (await versions.find(all).sort({ _id: 1 }).toArray()).map(({ revision, body, until }) => {
    return { revision, until, document: eraseEntity(entityOf(body)) };
  });
  const told = (await entries.find(all).toArray()).flatMap(({ revision, changes }) => (changes === undefined ? [] : [{ revision, changes }]));
  const updates = erasedUpdates(told, stood).map(({ revision, changes }): AnyBulkWriteOperation<EntryDocument> => {
    return { updateOne: { filter: { _id: keyAt(subject, revision) }, update: { $set: { changes } } } };
  });
  const replacements = stood.map(({ revision, until, document }): AnyBulkWriteOperation<VersionDocument> => {
    const { _id, ...replacement } = versionOf(subject, { revision, document, keys: contactKeys(document) }, until);
    return { replaceOne: { filter: { _id }, replacement } };
  });
  if (updates.length > 0) await entries.bulkWrite(updates);
  if (replacements.length > 0) await versions.bulkWrite(replacements);
}

/** Inserts documents; those that are there already stay. */
export async function insertAll<Shape extends { _id: string }>(collection: Collection<Shape>, documents: readonly Shape[]): Promise<void> {
  if (documents.length === 0) return;
  const operations = documents.map((document) => ({ insertOne: { document } }) as unknown as AnyBulkWriteOperation<Shape>);
  try {
    await collection.bulkWrite(operations, { ordered: false });
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
  }
}
