// What a rebuild's thread does: reads events by connections of its own, opens and checks them, and
// makes rows of the documents that begin and end with one event, as most do. See readySteps.ts.

import { isOfCategory } from '../../domain/streams.js';
import type { RecordedEvent } from '../../ports/eventStore.js';
import type { StoredEvent } from '../../ports/eventLog.js';
import { keySubjectOf, type KeySubject } from '../../ports/keyStore.js';
import type { Projection } from '../../ports/projection.js';
import { unseal } from '../sealing.js';
import { KeyWrapping } from '../wrapping.js';
import { Database } from './database.js';
import { newDocument, type NewDocument } from './newDocuments.js';
import { EVENT_COLUMNS, toEvent, type EventRow } from './eventLog.js';
import type { PageFiles } from './eventPages.js';
import type { ChangesOf } from './inlineProjector.js';
import { SqliteKeyReader } from './keyReader.js';

/**
 * How many events make a step, and how many characters of data at most: an event may take 400 kB.
 * Few, so that a step is done with before it is moved about as what is in use for long.
 */
const STEP = { events: 250, length: 1_000_000 };
const ROWS_AT_A_TIME = 25;
/** The events of a contact most often stand close together: more keys would take 40 MB for next to nothing. */
const CACHED_KEYS = 1_000;

/** A step as it passes between threads. */
export interface MadeStep {
  documents: NewDocument[];
  events: RecordedEvent[];
  seen: number;
  position: number;
  caughtUp: boolean;
}

export class StepMaker {
  private readonly log: Database;
  private readonly keyFile: Database;
  private readonly keys: SqliteKeyReader;

  /** Steps begin after the position `after`. */
  constructor(
    { events, keys, wrappingKeys }: PageFiles,
    private readonly projection: Projection,
    private readonly changesOf: ChangesOf,
    private after: number,
  ) {
    this.log = new Database(events, null, 'passing');
    this.keyFile = new Database(keys, null, 'passing');
    this.keys = new SqliteKeyReader(this.keyFile, new KeyWrapping(wrappingKeys), CACHED_KEYS);
  }

  /** The step after the last one. @throws UnreadableEventError, SqliteError, and what the projection throws */
  make(): MadeStep {
    const { rows, caughtUp } = this.rowsAfter(this.after);
    const concerned = rows.filter(({ stream }) => isOfCategory(stream, this.projection.category));
    const made: MadeStep = { documents: [], events: [], seen: rows.length, position: rows.at(-1)?.position ?? this.after, caughtUp };
    const counts = new Map<string, number>();
    for (const { stream } of concerned) counts.set(stream, (counts.get(stream) ?? 0) + 1);
    for (let start = 0; start < concerned.length; start += ROWS_AT_A_TIME) {
      for (const event of this.open(concerned.slice(start, start + ROWS_AT_A_TIME).map(toEvent))) {
        const document = event.revision === 0 && counts.get(event.stream) === 1 ? this.documentOf(event) : null;
        if (document !== null) made.documents.push(document);
        else made.events.push(event);
      }
    }
    this.after = made.position;
    return made;
  }

  close(): void {
    this.log.close();
    this.keyFile.close();
  }

  private rowsAfter(after: number): { rows: EventRow[]; caughtUp: boolean } {
    const rows: EventRow[] = [];
    for (let length = 0; ; ) {
      const sql = `SELECT ${EVENT_COLUMNS} FROM events WHERE position > ? ORDER BY position LIMIT ?`;
      const some = this.log.all<EventRow>(sql, rows.at(-1)?.position ?? after, ROWS_AT_A_TIME);
      rows.push(...some);
      if (some.length < ROWS_AT_A_TIME) return { rows, caughtUp: true };
      length += some.reduce((sum, { data }) => sum + data.length, 0);
      if (rows.length >= STEP.events || length >= STEP.length) return { rows, caughtUp: false };
    }
  }

  private open(stored: readonly StoredEvent[]): RecordedEvent[] {
    const subjects = new Map<string, KeySubject>();
    for (const { stream, data } of stored) {
      const subject = data.personal === undefined || subjects.has(stream) ? null : keySubjectOf(stream);
      if (subject !== null) subjects.set(stream, subject);
    }
    const keys = this.keys.find([...subjects.values()]);
    const keyOf = new Map([...subjects.keys()].map((stream, index) => [stream, keys[index]]));
    return stored.map((event) => unseal(event, keyOf.get(event.stream) ?? null));
  }

  /** The document that the only event of a stream makes; null when it makes none. */
  private documentOf(event: RecordedEvent): NewDocument | null {
    const [change] = this.changesOf(this.projection, [event], () => null);
    return change === undefined ? null : newDocument(change);
  }
}
