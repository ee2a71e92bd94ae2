// Contacts as they were right after an event: their streams folded up to there, the last folds kept,
// so that events met in order are folded once.

import { LRUCache } from 'lru-cache';
import { evolveContact, initialContact, type Contact, type ContactState } from '../domain/contact.js';
import type { Recorded } from '../domain/events/metadata.js';
import type { ContactEvent } from '../domain/events/registry.js';
import { weightOf } from '../domain/json.js';
import { contactStream } from '../domain/streams.js';
import type { EventLog, StoredEvent } from '../ports/eventLog.js';
import type { EventStore, RecordedEvent } from '../ports/eventStore.js';

const KEPT_CONTACTS = 10_000;
/** Of all that are kept: one with custom fields as large as there are takes megabytes. */
const KEPT_BYTES = 32_000_000;

/** A contact as of the event of its stream with this revision. */
export interface ContactAsOf {
  contact: Contact;
  revision: number;
}

interface Folded {
  state: ContactState;
  /** -1: nothing is folded. */
  revision: number;
  /** Of the last event folded. */
  position: string | null;
}

const nothing: Folded = { state: initialContact, revision: -1, position: null };

export class ContactsAsOf {
  private readonly folds = new LRUCache<string, Folded>({
    max: KEPT_CONTACTS,
    maxSize: KEPT_BYTES,
    sizeCalculation: ({ state }) => weightOf(state),
  });

  constructor(
    private readonly log: EventLog,
    private readonly events: EventStore,
  ) {}

  /** The contact right after `event`, which is of its stream or of another; null when it was none then, or was erased. */
  async after(contactId: string, event: StoredEvent): Promise<ContactAsOf | null> {
    const stream = contactStream(event.metadata.organizationId, contactId);
    const known = this.folds.get(stream) ?? nothing;
    const isPast = this.log.compare(known.position, event.position) > 0;
    const folded = await this.fold(stream, isPast ? nothing : known, event);
    this.folds.set(stream, folded);
    const { state, revision } = folded;
    return state.phase === 'live' || state.phase === 'deleted' ? { contact: state.contact, revision } : null;
  }

  /** Lets go of what is kept of a contact. */
  forget({ organizationId, contactId }: { organizationId: string; contactId: string }): void {
    this.folds.delete(contactStream(organizationId, contactId));
  }

  private async fold(stream: string, from: Folded, event: StoredEvent): Promise<Folded> {
    if (event.stream === stream && event.revision === from.revision + 1) {
      return (await this.events.open([event])).reduce(advance, from);
    }
    let folded = from;
    for await (const events of this.events.read(stream, from.revision + 1)) {
      for (const next of events) {
        if (this.isAfter(next, event)) return folded;
        folded = advance(folded, next);
      }
    }
    return folded;
  }

  private isAfter(next: RecordedEvent, event: StoredEvent): boolean {
    if (next.stream === event.stream) return next.revision > event.revision;
    return this.log.compare(next.position, event.position) > 0;
  }
}

function advance({ state }: Folded, event: RecordedEvent): Folded {
  return { state: evolveContact(state, event as Recorded<ContactEvent>), revision: event.revision, position: event.position };
}
