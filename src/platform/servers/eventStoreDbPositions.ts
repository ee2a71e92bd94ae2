// Positions in EventStoreDB's $all as the port's opaque strings: both numbers, as the server gives
// them. A checkpoint may have 0 for its prepare position, so neither says the other.

import type { Position } from '../../ports/eventLog.js';

/** A place in $all. */
export interface LogPosition {
  commit: bigint;
  prepare: bigint;
}

/** Before every event. */
export const LOG_START: LogPosition = { commit: 0n, prepare: 0n };

export const encodePosition = ({ commit, prepare }: LogPosition): Position => `${commit}/${prepare}`;

/** Positions as texts that sort as they do: no number has more digits. */
export function sortKey(position: Position): string {
  return position.replaceAll(/\d+/g, (digits) => digits.padStart(DIGITS, '0'));
}

const DIGITS = 19;
const FORM = /^(\d{1,19})\/(\d{1,19})$/;

/** Whether `position` has the form of those that `encodePosition` makes; another log's have not. */
export const isPosition = (position: Position): boolean => FORM.test(position);

/** @throws RangeError when `position` was not made by `encodePosition` */
export function decodePosition(position: Position | null): LogPosition {
  if (position === null) return LOG_START;
  const match = FORM.exec(position);
  if (match === null) throw new RangeError(`'${position}' is no position of this event log`);
  return { commit: BigInt(match[1] ?? ''), prepare: BigInt(match[2] ?? '') };
}

/** Negative, zero or positive as `a` is before, at or after `b`. */
export function comparePositions(a: LogPosition, b: LogPosition): number {
  if (a.commit !== b.commit) return a.commit < b.commit ? -1 : 1;
  if (a.prepare !== b.prepare) return a.prepare < b.prepare ? -1 : 1;
  return 0;
}
