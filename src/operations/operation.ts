// What an operation is: work on the data that an operator asks for, carried out within the running
// service, or by the command itself where none runs.

import type { z } from 'zod';
import type { Settings } from '../config.js';
import type { Json } from '../domain/json.js';
import type { Clock, Ids } from '../ports/clock.js';
import type { EventStore } from '../ports/eventStore.js';
import type { Platform } from '../ports/platform.js';
import type { Projector } from '../projections/projector.js';

/** What an operation works on: the opened platform and what belongs to it. */
export interface Host {
  settings: Settings;
  platform: Platform;
  events: EventStore;
  projector: Projector;
  clock: Clock;
  ids: Ids;
  /** Whether nothing else uses the host, so that an operation may take it for as long as it likes. */
  alone: boolean;
}

/** How far an operation has come. */
export interface Progress {
  done: number;
  /** How much there is to do, in the same unit; null while it is not known. */
  total: number | null;
  /** What is counted, in the plural. A new unit begins a new count. */
  unit: string;
  /** Units a second; measured by whoever shows the progress when it is not given. */
  rate?: number | undefined;
}

/** Told of progress as often as is convenient: whoever shows it takes what it needs. */
export type Report = (progress: Progress) => void;

export interface Operation<Params = unknown, Result extends Json = Json> {
  /** By what it is asked for; the command's name, where one command runs it. */
  name: string;
  /** What it is told. It comes from a command line, perhaps of another version. */
  params: z.ZodType<Params>;
  /** What it answers. */
  result: z.ZodType<Result>;
  /** That it fills the store: alone, it may take memory for it. */
  fills?: true;
  /**
   * Carries it out beside whatever else uses the host, in pieces that leave requests their turn.
   * Throws soon after `signal` aborts, leaving nothing half done that would matter.
   * @throws OperationError when it cannot be done as asked
   */
  run(host: Host, params: Params, report: Report, signal: AbortSignal): Promise<Result>;
}

/** What was asked for cannot be done; the message is one clear line for the operator. */
export class OperationError extends Error {
  override readonly name = 'OperationError';
}

/** An error as one line for the operator: what went wrong, and what was behind it. */
export function lineOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${error.message}${cause}`.replace(/\s*\n\s*/g, '; ');
}
