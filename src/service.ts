// The running service: starts the parts in order, and stops them in the opposite one, finishing
// what was accepted.

import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createApp } from './api/app.js';
import type { ApiDeps } from './api/deps.js';
import { drain, listen } from './api/listening.js';
import { rateLimits, type RateLimits } from './api/middleware/rateLimit.js';
import { apiServer } from './api/server.js';
import { tokenKeys, type TokenKeys } from './api/tokenKeys.js';
import { Chainer } from './chain/chainer.js';
import { HeadKeys } from './chain/headKeys.js';
import { headOf, HeadSigner } from './chain/headSigner.js';
import { Erasure } from './commands/erasure.js';
import { CommandHandler } from './commands/handle.js';
import { isCause, Reactions } from './commands/reactions.js';
import { ReportingLines } from './commands/reportingLines.js';
import { listOf, type Settings } from './config.js';
import { auditHeadStream, contactStream } from './domain/streams.js';
import { linkerFor, openHost } from './host.js';
import { serveOperations } from './operations/controlServer.js';
import { lineOf, type Host, type Report } from './operations/operation.js';
import { operations } from './operations/registry.js';
import { Metrics, type Follower as Followed } from './metrics/metrics.js';
import { measureWebhooks } from './metrics/webhooks.js';
import { endAllThreads } from './platform/embedded/threads.js';
import { systemClock } from './ports/clock.js';
import type { PlatformObserver } from './ports/observer.js';
import { AuditTrail } from './projections/auditTrail.js';
import { Follower } from './projections/follower.js';
import { projections } from './projections/project.js';
import { bringOn } from './projections/showing.js';
import { Reactor } from './subscriptions/reactor.js';
import { UnderLease, type LeasedWork } from './subscriptions/underLease.js';
import { EventFeed } from './subscriptions/eventFeed.js';
import { IndexedPages } from './subscriptions/indexedPages.js';
import { urlIssue } from './webhooks/address.js';
import type { Webhooks } from './webhooks/webhooks.js';
import { webhookParts } from './webhookParts.js';

const LOG_PROGRESS_EVERY_MS = 5_000;
const HOUSEKEEPING_EVERY_MS = 30_000;
/** How long threads may take to end what they are at when the process is to end at once, in ms. */
const ABANDON_MS = 2_000;
const LOOK_AGAIN_AFTER_MS = 50;

export interface Service {
  /** The port it listens on. */
  port: number;
  /** Finishes what was accepted, then closes everything. */
  stop(): Promise<void>;
  /** Before the process ends with things unfinished: returns whether that harms nothing now, which takes moments at most. */
  abandon(): Promise<boolean>;
}

/**
 * Starts the service. Settings must hold the key of tokens and the encryption key.
 * @throws BadSettingError, LockedError, LayoutError, WrongWrappingKeyError
 */
export async function startService(settings: Settings, logger: Logger): Promise<Service> {
  const keys = tokenKeys(settings);
  const metrics: Metrics = new Metrics(() => host.platform.log, systemClock);
  const observer: PlatformObserver = {
    written: (group) => metrics.written(group),
    forged: (error) => logger.error(error.message),
    lost: (error) => logger.warn({ reason: lineOf(error) }, 'a server was lost; trying again until it is back'),
  };
  const host: Host = await openHost(settings, progressLog(logger), observer);
  for (const { message } of host.projector.stops()) logger.error(message);
  try {
    return await startParts(host, logger, keys, metrics);
  } catch (error) {
    await host.platform.close();
    throw error;
  }
}

async function startParts(host: Host, logger: Logger, keys: TokenKeys, metrics: Metrics): Promise<Service> {
  const { settings, platform, events, clock, ids } = host;
  const { readStore, counters, idempotency } = platform;
  const handler = new CommandHandler(events, clock, ids);
  const erasure = openErasure(host);
  const reactions = new Reactions(handler, readStore, erasure);
  const onError = (error: unknown) => logger.error({ err: error instanceof Error ? error : undefined }, 'background work failed');
  const webhooks = openWebhooks(host, handler, onError);
  const limits = rateLimits(settings, counters);
  await limits.load(clock.now());
  const { log, eventIndex: index } = platform;
  const pages = platform.eventPages ?? new IndexedPages(index, events);
  const erased = ({ organizationId, contactId }: { organizationId: string; contactId: string }) => handler.forget(contactStream(organizationId, contactId));
  const feed = new EventFeed({ log, events, pages, skipped: () => host.projector.deps.skips.places(), erased, onError });
  const headKeys = new HeadKeys(listOf(settings.ENCRYPTION_KEY ?? ''));
  let stopping = false;
  const deps: ApiDeps = {
    commands: { handler, readStore, reactions, erasure, lines: new ReportingLines(handler), strictParentEntity: settings.STRICT_PARENT_ENTITY },
    readStore,
    history: platform.history,
    feed,
    isPosition: (text) => index.isPosition(text),
    alarms: systemClock,
    idempotency: { idempotency, clock, ids, onError },
    webhooks: webhooks.api,
    audit: auditOf(host, headKeys),
    logger,
    tokens: { keys, issuer: settings.JWT_ISSUER, audience: settings.JWT_AUDIENCE },
    limits,
    trustProxy: settings.TRUST_PROXY,
    corsOrigins: settings.CORS_ORIGINS,
    metrics: measuring(metrics),
    health: { problems: () => problemsOf(host), stopping: () => stopping },
  };
  const reactor = openReactor(host, reactions);
  const chainer = openChainer(host, headKeys, onError);
  followersOf(host, { reactor, chainer, webhooks: webhooks.dispatch }).forEach((follower) => metrics.follow(follower));
  const background = [...startBackground(host, { reactor, chainer }, onError), webhooks.duty];
  const stopBackground = () => Promise.all(background.map((part) => part.stop()));
  const server = await readModelsLive(host)
    .then(() => feed.start())
    .then(() => listen(apiServer(createApp(deps).callback()), settings))
    .catch(async (error: unknown) => {
      await stopBackground();
      throw error;
    });
  measureWebhooks(metrics, clock, () => webhooks.dispatch.statistics());
  webhooks.duty.start();
  const stopHousekeeping = keepHouse(limits, host, onError);
  const control = await serveOperations(settings.DATA_DIR, { host, operations, onError }).catch(onError);
  const stop = async () => {
    stopping = true;
    await feed.stop();
    await Promise.all([drain(server), control?.close()]);
    await stopBackground();
    await stopHousekeeping();
    await platform.close();
  };
  return { port: (server.address() as AddressInfo).port, stop: once(stop), abandon: () => endAllThreads(ABANDON_MS) };
}

/** What the API asks about the audit. */
function auditOf({ platform: { log, history }, events }: Host, keys: HeadKeys): ApiDeps['audit'] {
  const trail = new AuditTrail(history, events);
  return {
    page: (...asked) => trail.page(...asked),
    head: async (organizationId) => headOf(await log.last(auditHeadStream(organizationId))),
    publicKey: (fingerprint) => keys.publicKey(fingerprint),
  };
}

/** Whatever follows the log, so that its lag is measured. */
function followersOf({ platform, projector }: Host, { reactor, chainer, webhooks }: { reactor: Reactor; chainer: Chainer; webhooks: Webhooks }): Followed[] {
  const ofProjections = projector.deps.projections.map(({ name }): Followed => {
    const position = async () => (await platform.projectionStore.live(name))?.position ?? null;
    return { name, kind: 'projection', position, isStopped: () => projector.stops().some(({ projection }) => projection === name) };
  });
  const kind = 'subscription';
  return [
    ...ofProjections,
    { name: 'reactions', kind, position: async () => reactor.position },
    { name: 'webhooks', kind, position: async () => webhooks.position },
    { name: 'audit', kind, position: () => chainer.position() },
  ];
}

/** The side of the metrics that the API uses. */
function measuring(metrics: Metrics): ApiDeps['metrics'] {
  return { requests: (kind) => metrics.ofRequests(kind), text: () => metrics.text(), contentType: metrics.contentType };
}

function openErasure({ platform, projector }: Host): Erasure {
  return new Erasure({ ...platform, bringOn: (stream) => bringOn(stream, { ...projector.deps, projections }) });
}

function openReactor({ platform, events, projector }: Host, reactions: Reactions): Reactor {
  return new Reactor({
    log: platform.log,
    events,
    checkpoints: platform.checkpoints,
    isCause: (event) => isCause(event) && !projector.deps.skips.some(event),
    follow: (event) => reactions.follow(event),
  });
}

function openChainer({ settings, platform, events, clock, ids }: Host, keys: HeadKeys, onError: (error: unknown) => void): Chainer {
  const { log, chain } = platform;
  return new Chainer({ log, chain, linker: linkerFor(settings, onError), clock, onError, signer: new HeadSigner({ log, events, keys, clock, ids }) });
}

/** Starts what one copy of the service does at a time: reactions, chaining events and, where read models are a store of their own, following the log. */
function startBackground({ platform, projector, ids }: Host, { reactor, chainer }: { reactor: Reactor; chainer: Chainer }, onError: (error: unknown) => void): UnderLease[] {
  const { leases } = platform;
  const holder = ids.next();
  const works: { name: string; work: LeasedWork }[] = [{ name: 'reactions', work: reactor }, { name: 'audit chain', work: chainer }];
  // Copies of another version of a projection have a lease of their own, and so can make theirs anew.
  const versions = projector.deps.projections.map(({ name, version }) => `${name}@${version}`);
  if (platform.commit === null) works.push({ name: `follower of ${versions.join(' ')}`, work: new Follower(projector) });
  const parts = works.map(({ name, work }) => new UnderLease({ leases, name, holder, work, onError }));
  for (const part of parts) part.start();
  return parts;
}

/** Waits until every projection has documents, made by this version of it or a newer one: before, reads would find nothing. */
async function readModelsLive({ platform, projector }: Host): Promise<void> {
  for (const { name, version } of projector.deps.projections) {
    while (platform.commit === null && ((await platform.projectionStore.live(name))?.version ?? 0) < version) {
      if (projector.stops().some((stop) => stop.projection === name)) break;
      await sleep(LOOK_AGAIN_AFTER_MS);
    }
  }
}

/** What keeps the service from doing all of its work; none: nothing does. */
async function problemsOf({ platform, projector }: Host): Promise<string[]> {
  const [projection] = projector.deps.projections;
  const asked = [
    { problem: 'the event log does not answer', answer: platform.log.head() },
    { problem: 'the read models do not answer', answer: projection && platform.projectionStore.live(projection.name) },
  ];
  const answers = await Promise.allSettled(asked.map(({ answer }) => answer));
  const silent = asked.flatMap(({ problem }, index) => (answers[index]?.status === 'rejected' ? [problem] : []));
  const inTheWay = await projector.problems().catch((error: unknown) => [lineOf(error)]);
  return [...silent, ...inTheWay];
}

/** Logs now and then how far the making of read models has come before the service listens. */
function progressLog(logger: Logger): Report {
  let loggedAt = Date.now();
  return (progress) => {
    if (Date.now() - loggedAt < LOG_PROGRESS_EVERY_MS) return;
    loggedAt = Date.now();
    logger.info(progress, 'making read models anew');
  };
}

/** Webhooks: what the API asks of them, and what derives and delivers them. */
function openWebhooks({ settings, platform, events, projector, ids }: Host, handler: CommandHandler, onError: (error: unknown) => void) {
  const allowPrivate = settings.WEBHOOK_ALLOW_PRIVATE_NETWORKS;
  const { commands, webhooks, duty } = webhookParts({
    platform,
    events,
    handler,
    holder: ids.next(),
    isSkipped: (event) => projector.deps.skips.some(event),
    onError,
    schedule: settings.WEBHOOK_RETRY_SCHEDULE,
    allowPrivate,
    // Another copy may have made something ready.
    ...(platform.counters.shared ? { pollMs: 1_000 } : {}),
  });
  const { endpoints } = platform.webhooks;
  const api = { commands, endpoints, deliveries: webhooks, urlIssue: (url: string) => urlIssue(url, allowPrivate) };
  return { api, dispatch: webhooks, duty };
}

/** Saves counters and sweeps old idempotency keys now and then; the function returned stops that and saves once more. */
function keepHouse(limits: RateLimits, { platform, clock }: Host, onError: (error: unknown) => void) {
  const { idempotency } = platform;
  const save = () => limits.save(clock.now());
  const timer = setInterval(() => {
    Promise.all([save(), idempotency.sweep(clock.now())]).catch(onError);
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
