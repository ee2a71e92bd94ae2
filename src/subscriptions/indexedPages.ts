// Pages of published events made of an index and the event store, in the thread that answers
// requests: for platforms that make none themselves.

import { metadataTexts } from '../domain/events/metadata.js';
import { cloudEventText, isPublished, sourceOf, type PublishedType } from '../domain/events/published.js';
import { parseStream } from '../domain/streams.js';
import type { EventIndex } from '../ports/eventIndex.js';
import { inForm, isAmong, pageForms, type EventPage, type EventPages, type PageQuery } from '../ports/eventPages.js';
import type { EventStore, RecordedEvent } from '../ports/eventStore.js';
import { turn } from '../ports/turns.js';

/** How many are decrypted and rendered before others have their turn: a few milliseconds. */
const RENDERED_AT_ONCE = 200;

export class IndexedPages implements EventPages {
  constructor(
    private readonly index: EventIndex,
    private readonly events: EventStore,
  ) {}

  async read(organizationId: string, query: PageQuery): Promise<EventPage> {
    const { events, position, coveredTo } = await this.index.read(organizationId, query);
    const told = events.filter((event) => isPublished(event.type) && !isAmong(query.skipped, event));
    const { between } = pageForms[query.form];
    const texts: string[] = [];
    let bytes = 0;
    for (let from = 0; from < told.length; from += RENDERED_AT_ONCE) {
      if (from > 0) await turn();
      for (const event of await this.events.openWritten(told.slice(from, from + RENDERED_AT_ONCE))) {
        const text = inForm(query.form, event.position, renderEvent(event));
        texts.push(text);
        bytes += text.length;
        if (bytes >= query.maxBytes) return { content: Buffer.from(texts.join(between)), position: event.position, coveredTo: null };
      }
    }
    return { content: Buffer.from(texts.join(between)), position, coveredTo };
  }
}

/** An event of a published type as a CloudEvent, as JSON. */
export function renderEvent(event: RecordedEvent): string {
  const { id, type, stream, position, revision, metadata } = event;
  const [source, subject] = [sourceOf(metadata.organizationId), parseStream(stream)?.id ?? ''];
  return cloudEventText({ id, type: type as PublishedType, source, subject, position, revision, metadata: metadataTexts(metadata) }, JSON.stringify(event.data));
}
