// The running service: chooses the platform, starts the parts in order, and stops them in the
// opposite one, finishing what was accepted.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSecretKey } from 'node:crypto';
import { v7 } from 'uuid';
import type { Logger } from 'pino';
import { createApp } from './api/app.js';
import type { ApiDeps } from './api/deps.js';
import { rateLimits, type RateLimits } from './api/middleware/rateLimit.js';
import { tokenKeys } from './api/tokenKeys.js';
import { CommandHandler } from './commands/handle.js';
import { causes, Reactions } from './commands/reactions.js';
import { ReportingLines } from './commands/reportingLines.js';
import { BadSettingError, type Settings } from './config.js';
import { openEmbedded } from './platform/embedded/index.js';
import { SealedEventStore } from './platform/sealedEventStore.js';
import { systemClock, type Ids } from './ports/clock.js';
import type { Platform } from './ports/platform.js';
import { catchUp } from './projections/catchUp.js';
import { batchChanges, projections } from './projections/project.js';
import { Reactor } from './subscriptions/reactor.js';

/** How long a stop waits for requests that are being answered, in ms. */
const DRAIN_MS = 10_000;
const HOUSEKEEPING_EVERY_MS = 30_000;

export interface Service {
  /** The port it listens on. */
  port: number;
  /** Finishes what was accepted, then closes everything. */
  stop(): Promise<void>;
}

const uuidV7: Ids = { next: () => v7() };

/**
 * Starts the service. Settings must hold the key of tokens and the encryption key.
 * @throws BadSettingError, LockedError, LayoutError, WrongWrappingKeyError
 */
export async function startService(settings: Settings, logger: Logger): Promise<Service> {
  if (settings.EVENTSTORE_URL !== undefined || settings.MONGODB_URL !== undefined) {
    throw new BadSettingError('EVENTSTORE_URL, MONGODB_URL: this version knows the embedded store only');
  }
  const keys = tokenKeys(settings);
  const platform = await openEmbedded({
    dataDir: settings.DATA_DIR,
    wrappingKey: createSecretKey(Buffer.from(settings.ENCRYPTION_KEY ?? '', 'base64')),
    projections,
    changesOf: batchChanges,
  });
  try {
    return await startParts(settings, logger, platform, keys);
  } catch (error) {
    await platform.close();
    throw error;
  }
}

async function startParts(
  settings: Settings,
  logger: Logger,
  platform: Platform,
  keys: ReturnType<typeof tokenKeys>,
): Promise<Service> {
  const { log, readStore, projectionStore, checkpoints, counters, idempotency } = platform;
  const events = new SealedEventStore(log, platform.keys, platform.commit);
  for (const projection of projections) await catchUp(projection, { log, events, store: projectionStore });
  const handler = new CommandHandler(events, systemClock, uuidV7);
  const reactions = new Reactions(handler, readStore);
  const onError = (error: unknown) => logger.error({ err: error instanceof Error ? error : undefined }, 'background work failed');
  const reactor = new Reactor({ log, events, checkpoints, causes, follow: (event) => reactions.follow(event), onError });
  const limits = rateLimits(settings);
  await limits.load(counters, systemClock.now());
  let stopping = false;
  const deps: ApiDeps = {
    commands: { handler, readStore, reactions, lines: new ReportingLines(handler), strictParentEntity: settings.STRICT_PARENT_ENTITY },
    readStore,
    idempotency: { idempotency, clock: systemClock, ids: uuidV7, onError },
    logger,
    tokens: { keys, issuer: settings.JWT_ISSUER, audience: settings.JWT_AUDIENCE },
    limits,
    trustProxy: settings.TRUST_PROXY,
    corsOrigins: settings.CORS_ORIGINS,
    health: { ready: async () => (await log.head(), true), stopping: () => stopping },
  };
  const server = await listen(createServer(createApp(deps).callback()), settings);
  reactor.start();
  const stopHousekeeping = keepHouse(limits, platform, onError);
  const stop = async () => {
    stopping = true;
    await drain(server);
    await reactor.stop();
    await stopHousekeeping();
    await platform.close();
  };
  return { port: (server.address() as AddressInfo).port, stop: once(stop) };
}

async function listen(server: Server, { PORT, HOST }: Settings): Promise<Server> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(PORT, HOST, resolve);
  });
  return server;
}

/** Takes no new connections, lets go of idle ones, and waits for the answers under way. */
async function drain(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const patience = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await closed;
  clearInterval(idle);
  clearTimeout(patience);
}

/** Saves counters and sweeps old idempotency keys now and then; the function returned stops that and saves once more. */
function keepHouse(limits: RateLimits, { counters, idempotency }: Platform, onError: (error: unknown) => void) {
  const save = () => limits.save(counters, systemClock.now());
  const timer = setInterval(() => {
    Promise.all([save(), idempotency.sweep(systemClock.now())]).catch(onError);
  }, HOUSEKEEPING_EVERY_MS);
  return async () => {
    clearInterval(timer);
    await save().catch(onError);
  };
}

function once(action: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => (running ??= action());
}
