// Pages of published events by connections of their own, so that a thread beside the one that
// answers requests can make them. Most events are told without being taken apart: the text of the
// personal part is put into the text of the open one.

import { cloudEventHead, isPublished, type PublishedType } from '../../domain/events/published.js';
import { joinPersonalText } from '../../domain/events/personal.js';
import { readWrittenEvent, schemaVersionOf, upcasters, type Upcasters } from '../../domain/events/registry.js';
import type { EventMetadata } from '../../domain/events/metadata.js';
import { parseStream, type StreamSubject } from '../../domain/streams.js';
import { isAmong, pageForms, type EventPage, type EventPages, type PageForm, type PageQuery } from '../../ports/eventPages.js';
import type { KeySubject, StoredKey } from '../../ports/keyStore.js';
import { openBox, splitSealedText, unseal } from '../sealing.js';
import { KeyWrapping, type WrappingKeys } from '../wrapping.js';
import { Database } from './database.js';
import { indexedRows, toEventRow, type EventValues } from './eventIndex.js';
import { toEvent } from './eventLog.js';
import { SqliteKeyReader } from './keyReader.js';
import { TextBuffer } from './textBuffer.js';

/** Where the files are, and what unwraps keys. */
export interface PageFiles {
  events: string;
  keys: string;
  wrappingKeys: WrappingKeys;
}

/** Pages by whatever makes them of the files. */
export interface OpenEventPages extends EventPages {
  /** The subject's key was destroyed: pages asked for from now on show nothing of it. */
  forget(subject: KeySubject): void;
  close(): Promise<void>;
}

/** How many rows are in memory at a time: an event may take 400 kB. */
const ROWS_AT_A_TIME = 200;
/** What is more than a byte in UTF-8. */
const NOT_ASCII = /[^\x00-\x7f]/;

export class SqliteEventPages {
  private readonly events: Database;
  private readonly keyFile: Database;
  private readonly keys: SqliteKeyReader;
  private readonly text = new TextBuffer();

  /** `known` brings older forms of events to the newest. */
  constructor(
    { events, keys, wrappingKeys }: PageFiles,
    private readonly known: Upcasters = upcasters,
  ) {
    this.events = new Database(events, null);
    this.keyFile = new Database(keys, null);
    this.keys = new SqliteKeyReader(this.keyFile, new KeyWrapping(wrappingKeys));
  }

  /** As `EventPages.read`. @throws SqliteError, UnreadableEventError */
  read(organizationId: string, query: PageQuery): EventPage {
    this.text.clear();
    let { after, limit } = query;
    for (;;) {
      const { rows, position, coveredTo } = this.rowsAfter(organizationId, { ...query, after, limit: Math.min(limit, ROWS_AT_A_TIME) });
      const full = this.write(organizationId, rows, query);
      if (full !== null) return { content: this.text.take(), position: String(full), coveredTo: null };
      after = position;
      limit -= rows.length;
      if (rows.length < ROWS_AT_A_TIME || limit === 0) return { content: this.text.take(), position, coveredTo };
    }
  }

  /** The subject's key was destroyed. */
  forget(subject: KeySubject): void {
    this.keys.forget(subject);
  }

  /** Lets go of the files; the next use opens them again. */
  close(): void {
    this.events.close();
    this.keyFile.close();
  }

  /** All that is said of the index must be as of one moment. */
  private rowsAfter(organizationId: string, query: PageQuery) {
    this.events.run('BEGIN');
    try {
      const head = this.events.get<{ head: number }>('SELECT coalesce(max(position), 0) AS head FROM events')?.head ?? 0;
      return indexedRows(this.events, organizationId, query, head);
    } finally {
      this.events.run('COMMIT');
    }
  }

  /** Adds events to the text; returns the position of the last one when there is no room for more, else null. */
  private write(organizationId: string, rows: readonly EventValues[], { form, maxBytes, skipped }: PageQuery): number | null {
    const subjects = rows.map(([, stream]) => parseStream(stream));
    const keys = this.keysOf(organizationId, subjects);
    for (const [index, row] of rows.entries()) {
      const [position, stream, revision] = row;
      if (isAmong(skipped, { stream, revision })) continue;
      this.writeEvent(row, subjects[index]?.id ?? '', keys[index] ?? null, form);
      if (this.text.length >= maxBytes) return position;
    }
    return null;
  }

  /** The keys of those that are contacts, in their order; null for others. */
  private keysOf(organizationId: string, subjects: readonly (StreamSubject | undefined)[]): (StoredKey | null)[] {
    const isContact = (subject: StreamSubject | undefined) => subject?.category === 'contact';
    const keys = this.keys.findSome(organizationId, subjects.filter(isContact).map((subject) => subject?.id ?? '')).values();
    return subjects.map((subject) => (isContact(subject) ? (keys.next().value ?? null) : null));
  }

  private writeEvent(row: EventValues, subject: string, key: StoredKey | null, form: PageForm): void {
    const [position, , revision, id, type, data, metadataText] = row;
    if (!isPublished(type)) return;
    const metadata = JSON.parse(metadataText) as EventMetadata;
    const isNewest = metadata.schemaVersion === schemaVersionOf(type, this.known);
    const isOpen = !data.includes('"personal":');
    const joined = isNewest && !isOpen ? joinedData({ id, type, data }, key) : null;
    const { before, behind, between } = pageForms[form];
    const head = cloudEventHead({ id, type, subject, revision, position: String(position), metadata });
    this.text.add((this.text.length === 0 ? '' : between) + before(String(position)) + head);
    if (joined !== null) this.text.addBytes(joined);
    else this.text.add(isNewest && isOpen ? data : this.takenApart(row, key));
    this.text.add(`}${behind}`);
  }

  /** The data of an event as text, whatever its form. */
  private takenApart(row: EventValues, key: StoredKey | null): string {
    return JSON.stringify(unseal(toEvent(toEventRow(row)), key, this.known, readWrittenEvent).data);
  }
}

/**
 * The data whole again in UTF-8, a character for each byte, when that can be had without taking it
 * apart: texts of wider characters would take twice the time.
 */
function joinedData({ id, type, data }: { id: string; type: PublishedType; data: string }, key: StoredKey | null): string | null {
  const sealed = splitSealedText(data);
  if (sealed === null || key?.state !== 'usable') return null;
  const open = NOT_ASCII.test(sealed.open) ? Buffer.from(sealed.open).toString('latin1') : sealed.open;
  return joinPersonalText(type, open, openBox(key.key, sealed.box, { id, type }).toString('latin1'));
}
