// How far behind the log its followers are: projections, and subscriptions.

import type { Clock } from '../ports/clock.js';
import type { EventLog, Position } from '../ports/eventLog.js';

export interface Lag {
  /** How many events are still to come, or about how many; null when the log cannot tell. */
  events: number | null;
  /** How long ago the next of them occurred. */
  seconds: number;
}

/** @throws UnavailableError */
export async function lagBehind(log: EventLog, position: Position | null, clock: Clock): Promise<Lag> {
  const head = await log.head();
  if (log.compare(position, head) >= 0) return { events: 0, seconds: 0 };
  const [next] = (await log.readAll(position, 1)).events;
  if (next === undefined) return { events: 0, seconds: 0 };
  const age = clock.now().getTime() - Date.parse(next.metadata.occurredAt);
  return { events: log.count(position, head), seconds: Math.max(0, age / 1_000) };
}
