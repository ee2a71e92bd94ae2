// Pages of published events by connections of their own, so that a thread beside the one that
// answers requests can make them. Most events are told without being taken apart, as bytes: texts of
// a character for each of them, into which the text of the personal part is put.

import { readMetadataTexts } from '../../domain/events/metadata.js';
import { joinPersonalText } from '../../domain/events/personal.js';
import { cloudEventText, isPublished, sourceOf, type PublishedType } from '../../domain/events/published.js';
import { readWrittenEvent, schemaVersionOf, upcasters, type Upcasters } from '../../domain/events/registry.js';
import { contactStream, parseStream } from '../../domain/streams.js';
import type { Position } from '../../ports/eventLog.js';
import { isAmong, pageForms, type EventPage, type EventPages, type PageQuery } from '../../ports/eventPages.js';
import type { KeySubject, StoredKey } from '../../ports/keyStore.js';
import { openBox, splitSealedText, unseal } from '../sealing.js';
import { KeyWrapping, type WrappingKeys } from '../wrapping.js';
import { Database } from './database.js';
import { indexedEnd, indexedRows, toEventRow, type EventValues } from './eventIndex.js';
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
const ROWS_AT_A_TIME = 100;
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

  /** Where a page ends unless it is full of bytes before; null when there are fewer events. @throws SqliteError */
  endOf(organizationId: string, query: PageQuery): Position | null {
    return indexedEnd(this.events, organizationId, query);
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
    const [source, ids] = [sourceOf(organizationId), contactIds(organizationId, rows)];
    const keys = this.keys.findSome(organizationId, ids.filter((id) => id !== null)).values();
    const { before, behind, between } = pageForms[form];
    for (const [index, row] of rows.entries()) {
      const [position, stream, revision, , type] = row;
      const id = ids[index] ?? null;
      const key = id === null ? null : (keys.next().value ?? null);
      if (!isPublished(type) || isAmong(skipped, { stream, revision })) continue;
      const told = this.told(row, type, source, id ?? parseStream(stream)?.id ?? '', key);
      this.text.add(`${this.text.length === 0 ? '' : between}${before(String(position))}${told}${behind}`);
      if (this.text.length >= maxBytes) return position;
    }
    return null;
  }

  /** An event as it is told, in UTF-8, a character for each byte. */
  private told(row: EventValues, type: PublishedType, source: string, subject: string, key: StoredKey | null): string {
    const [position, , revision, id, , data, made] = row;
    const metadata = readMetadataTexts(toBytes(made));
    const isNewest = metadata.schemaVersion === schemaVersionOf(type, this.known);
    const whole = isNewest ? wholeData({ id, type, data }, key) : null;
    return cloudEventText({ id, type, source, subject, position: String(position), revision, metadata }, whole ?? this.takenApart(row, key));
  }

  /** The data of an event, whatever its form, as `told` has it. */
  private takenApart(row: EventValues, key: StoredKey | null): string {
    return toBytes(JSON.stringify(unseal(toEvent(toEventRow(row)), key, this.known, readWrittenEvent).data));
  }
}

/** The ids of those of the rows that are of contacts, null in the place of others. */
function contactIds(organizationId: string, rows: readonly EventValues[]): (string | null)[] {
  const prefix = contactStream(organizationId, '');
  return rows.map(([, stream]) => (stream.startsWith(prefix) ? stream.slice(prefix.length) : null));
}

/** Data of the newest form with what is personal in its place, as `told` has it; null when that cannot be had without taking it apart. */
function wholeData({ id, type, data }: { id: string; type: PublishedType; data: string }, key: StoredKey | null): string | null {
  const sealed = splitSealedText(data);
  if (sealed === null) return data.includes('"personal":') ? null : toBytes(data);
  return key?.state === 'usable' ? joinPersonalText(type, toBytes(sealed.open), openBox(key.key, sealed.box, { id, type }).toString('latin1')) : null;
}

/** A text in UTF-8, a character for each byte: such are put together in half the time of texts of wider characters. */
function toBytes(text: string): string {
  return NOT_ASCII.test(text) ? Buffer.from(text).toString('latin1') : text;
}
