// What a thread makes of appends to new streams: everything that is stored of them, as rows. What is
// left to do for whoever writes them is to give them their places in the log. See readyAppends.ts.

import type { StoredEvent } from '../../ports/eventLog.js';
import { recordedAs, type NewAppend, type RecordedEvent } from '../../ports/eventStore.js';
import { keySubjectOf } from '../../ports/keyStore.js';
import type { Projection } from '../../ports/projection.js';
import { needsKey, seal, splitEvent } from '../sealing.js';
import type { KeyWrapping } from '../wrapping.js';
import type { ChangesOf } from './inlineProjector.js';
import type { MadeAppends, ReadyDocuments, ReadyEvent, WrappedKey } from './madeAppends.js';
import { newDocument } from './newDocuments.js';

export class AppendMaker {
  constructor(
    private readonly wrapping: KeyWrapping,
    private readonly projections: readonly Projection[],
    private readonly changesOf: ChangesOf,
    /** The text of an event that its link in the chain is made of. */
    private readonly canonical: (event: Omit<StoredEvent, 'position'>) => string,
  ) {}

  /** `appends` are to streams that do not exist, each of them once. */
  make(appends: readonly NewAppend[]): MadeAppends {
    const keys: WrappedKey[] = [];
    const events = appends.flatMap((append) => this.sealed(append, keys));
    const plain = appends.flatMap(({ stream, events: some }) => some.map((event, revision) => recordedAs(event, { stream, revision, position: '' })));
    const made = this.projections.map((projection) => this.documentsOf(projection, plain));
    return { count: appends.length, keys, events, made: made.filter(({ documents, changes }) => documents.length + changes.length > 0) };
  }

  /** The events of an append as they are stored; the key that was made for them is added to `keys`. */
  private sealed({ stream, events }: NewAppend, keys: WrappedKey[]): ReadyEvent[] {
    const split = events.map(splitEvent);
    const subject = needsKey(split) ? keySubjectOf(stream) : null;
    const key = subject === null ? null : this.wrapping.make(subject);
    if (subject !== null && key !== null) keys.push({ subject, wrapped: key.wrapped });
    return split.map((event, revision) => {
      const { id, type, data, metadata } = seal(event, key?.key ?? null);
      const canonical = this.canonical({ stream, revision, id, type, data, metadata });
      return { stream, revision, id, type, metadata, data: JSON.stringify(data), canonical };
    });
  }

  private documentsOf(projection: Projection, events: readonly RecordedEvent[]): ReadyDocuments {
    const made: ReadyDocuments = { projection: projection.name, documents: [], changes: [] };
    for (const change of this.changesOf(projection, events, () => null)) {
      const document = newDocument(change);
      if (document === null) made.changes.push(change);
      else made.documents.push(document);
    }
    return made;
  }
}
