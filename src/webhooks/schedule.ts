// When a failed delivery is tried again.

/** The retries of the Standard Webhooks schedule, in seconds after the try before; the first try is at once. */
export const STANDARD_SCHEDULE: readonly number[] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/** How much later than scheduled a retry may come, as a share of the delay, so that those that failed together do not return together. */
const JITTER = 0.1;

/** The longest that a receiver's Retry-After is obeyed, in ms. */
const RETRY_AFTER_MAX_MS = 24 * 3_600_000;

/** The delays between tries, in seconds. A setting may name the first try, which is at once, as a zero. */
export function retrySchedule(setting: readonly number[] | undefined): readonly number[] {
  if (setting === undefined) return STANDARD_SCHEDULE;
  return setting[0] === 0 ? setting.slice(1) : setting;
}

/** How long after its `tries`th try failed a delivery is tried again, in ms; null: not at all. `random` is in [0, 1). */
export function retryDelay(schedule: readonly number[], tries: number, random: number): number | null {
  const seconds = schedule[tries - 1];
  return seconds === undefined ? null : Math.round(seconds * 1_000 * (1 + JITTER * random));
}

/** What a Retry-After header asks for, in ms from now, at most a day; null when it asks for nothing that can be understood. */
export function retryAfter(header: string | undefined, now: Date): number | null {
  if (header === undefined) return null;
  const ms = /^\d{1,9}$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - now.getTime();
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, RETRY_AFTER_MAX_MS) : null;
}
