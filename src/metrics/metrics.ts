// What is measured of the service, in the format of Prometheus. A part that has something to
// measure is given an observer or registers as a follower here. No label names a person; of
// organizations only a bounded number is named.

import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Clock } from '../ports/clock.js';
import type { EventLog, Position } from '../ports/eventLog.js';
import type { PlatformObserver, WrittenGroup } from '../ports/observer.js';
import { lagBehind } from './lag.js';

/** Of the process: memory, processor time, event-loop delay, garbage collection. Once, however many services run in it. */
const ofProcess = new Registry();

/** What follows the log. */
export interface Follower {
  /** A short fixed name. */
  name: string;
  kind: 'projection' | 'subscription';
  /** How far it has come; null: it has seen nothing. */
  position: () => Promise<Position | null>;
  /** Whether it has stopped at an event that it cannot take. */
  isStopped?: () => boolean;
}

export interface RequestKind {
  method: string;
  /** The route's path with its parameters as names; undefined when there is no such route. */
  route: string | undefined;
  status: number;
}

export class Metrics implements Pick<PlatformObserver, 'written'> {
  /** Metrics of the service: whoever measures more registers it here. */
  readonly registry = new Registry();
  private readonly refreshing: (() => Promise<void>)[] = [];
  private readonly requests = histogram(this.registry, {
    name: 'http_request_duration_seconds',
    help: 'How long requests took, by route',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  });
  private readonly batchSizes = histogram(this.registry, {
    name: 'contacts_append_batch_size',
    help: 'How many writes shared a sync to disk',
    labelNames: ['store'],
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500],
  });
  private readonly syncs = histogram(this.registry, {
    name: 'contacts_append_sync_seconds',
    help: 'How long a sync to disk took',
    labelNames: ['store'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
  });
  private readonly lagEvents = this.gauge('contacts_lag_events', 'How many events a follower of the log has still to see');
  private readonly lagSeconds = this.gauge('contacts_lag_seconds', 'How long ago the next event that a follower has to see occurred');
  private readonly stopped = this.gauge('contacts_stopped', '1 when a follower has stopped at an event that it cannot take');

  constructor(
    private readonly log: () => EventLog,
    private readonly clock: Clock,
  ) {
    if (ofProcess.getMetricsAsArray().length === 0) collectDefaultMetrics({ register: ofProcess });
  }

  /** Has `refresh` measure anew, each time before what is measured is told. */
  beforeTelling(refresh: () => Promise<void>): void {
    this.refreshing.push(refresh);
  }

  /** Measures from now on how far `follower` is behind the log. */
  follow(follower: Follower): void {
    this.beforeTelling(() => this.measure(follower));
  }

  /** What is told how many seconds each of these requests took; to be kept. */
  ofRequests({ method, route = 'unmatched', status }: RequestKind): (seconds: number) => void {
    const requests = this.requests.labels({ method, route, status });
    return (seconds) => requests.observe(seconds);
  }

  written({ store, writes, seconds }: WrittenGroup): void {
    this.batchSizes.observe({ store }, writes);
    this.syncs.observe({ store }, seconds);
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** All of it, as of now. */
  async text(): Promise<string> {
    await Promise.all(this.refreshing.map((refresh) => refresh()));
    return Registry.merge([this.registry, ofProcess]).metrics();
  }

  /** A follower whose lag cannot be told, as the log does not answer, shows none: better than an old one. */
  private async measure({ name, kind, position, isStopped }: Follower): Promise<void> {
    const labels = { kind, name };
    if (isStopped !== undefined) this.stopped.set(labels, Number(isStopped()));
    const lag = await position().then((at) => lagBehind(this.log(), at, this.clock)).catch(() => null);
    if (lag === null) this.lagSeconds.remove(labels);
    else this.lagSeconds.set(labels, lag.seconds);
    if (lag === null || lag.events === null) this.lagEvents.remove(labels);
    else this.lagEvents.set(labels, lag.events);
  }

  private gauge(name: string, help: string): Gauge<'kind' | 'name'> {
    return new Gauge({ name, help, labelNames: ['kind', 'name'], registers: [this.registry] });
  }
}

interface HistogramOptions<Label extends string> {
  name: string;
  help: string;
  labelNames: readonly Label[];
  buckets: number[];
}

function histogram<Label extends string>(registry: Registry, options: HistogramOptions<Label>): Histogram<Label> {
  return new Histogram<Label>({ ...options, registers: [registry] });
}
