// The command side without HTTP, over an embedded store: as one process has it, or as several on one log.

import { randomUUID } from 'node:crypto';
import type { CommandDeps } from '../../src/commands/deps.js';
import { Erasure } from '../../src/commands/erasure.js';
import { CommandHandler, type CommandContext } from '../../src/commands/handle.js';
import { Reactions } from '../../src/commands/reactions.js';
import { ReportingLines } from '../../src/commands/reportingLines.js';
import { readSettings } from '../../src/config.js';
import { openHost } from '../../src/host.js';
import { systemClock, type Clock } from '../../src/ports/clock.js';
import type { EventStore } from '../../src/ports/eventStore.js';
import type { Platform } from '../../src/ports/platform.js';
import { temporaryFolder } from './folder.js';
import { newOrganization, testEnvironment } from './service.js';

export interface OpenedCommands {
  platform: Platform;
  events: EventStore;
  organizationId: string;
  commands: CommandDeps;
  /** Another command side over the same store, which shares nothing with the first: as another process would have it. */
  another(clock?: Clock): CommandDeps;
  /** The context of a request of its own. */
  context(said?: Partial<CommandContext>): CommandContext;
  close(): Promise<void>;
}

/** Opens the store in `dataDir` and caught-up read models, with all that commands need. */
export async function openCommands({ dataDir = temporaryFolder(), organizationId = newOrganization() } = {}): Promise<OpenedCommands> {
  const { platform, events } = await openHost(readSettings({ ...testEnvironment, DATA_DIR: dataDir }));
  const { readStore } = platform;
  const another = (clock = systemClock): CommandDeps => {
    const handler = new CommandHandler(events, clock, { next: () => randomUUID() });
    const erasure = new Erasure({ ...platform, bringOn: async () => undefined });
    return { handler, readStore, lines: new ReportingLines(handler), reactions: new Reactions(handler, readStore, erasure), erasure, strictParentEntity: false };
  };
  const context = (said: Partial<CommandContext> = {}): CommandContext => {
    const requestId = randomUUID();
    return { organizationId, actor: { sub: 'tester' }, requestId, correlationId: requestId, causationId: null, ...said };
  };
  return { platform, events, organizationId, commands: another(), another, context, close: async () => platform.close() };
}
