// What commands work with.

import type { ReadStore } from '../ports/readStore.js';
import type { CommandHandler } from './handle.js';
import type { Erasure } from './erasure.js';
import type { Reactions } from './reactions.js';
import type { ReportingLines } from './reportingLines.js';

export interface CommandDeps {
  handler: CommandHandler;
  readStore: ReadStore;
  lines: ReportingLines;
  reactions: Reactions;
  erasure: Erasure;
  /** Whether a `parentEntityId` must be a known company. */
  strictParentEntity: boolean;
}
