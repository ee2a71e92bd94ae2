// Pages of an organization's published events as readers are told them: rendered, in the order of
// the log, in the newest form, what is erased as erased.

import type { IndexQuery } from './eventIndex.js';
import type { Position } from './eventLog.js';

/** Where an event stands in its stream. */
export interface EventPlace {
  stream: string;
  revision: number;
}

export interface PageQuery extends IndexQuery {
  form: PageForm;
  /** About how many bytes at most: once there are as many, no event is added. */
  maxBytes: number;
  /** Events that operators had the service go past: they are not told. */
  skipped: readonly EventPlace[];
}

export interface EventPage {
  content: Uint8Array;
  /** The last of the organization's events that was looked at; `after` when none was. */
  position: Position | null;
  /** Up to where there are no others, when this was all; null: there may be more. A position of the log. */
  coveredTo: Position | null;
}

export interface EventPages {
  /** Published events of an organization. @throws UnavailableError, UnreadableEventError */
  read(organizationId: string, query: PageQuery): Promise<EventPage>;
}

/** What stands before an event's JSON, behind it, and between two events. */
export const pageForms = {
  /** The items of a JSON array. */
  json: { before: () => '', behind: '', between: ',' },
  /** Server-Sent Events. */
  sse: { before: (position: Position) => `id: ${position}\ndata: `, behind: '\n\n', between: '' },
} as const;

export type PageForm = keyof typeof pageForms;

/** Whether an event is among those to go past. */
export function isAmong(places: readonly EventPlace[], { stream, revision }: EventPlace): boolean {
  return places.some((place) => place.revision === revision && place.stream === stream);
}

/** An event, given as JSON, in a form. */
export function inForm(form: PageForm, position: Position, json: string): string {
  const { before, behind } = pageForms[form];
  return before(position) + json + behind;
}
