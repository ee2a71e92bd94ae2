// Load over HTTP by autocannon, from this process, on servers in processes of their own.

import autocannon from 'autocannon';
import { median } from './figures.js';
import type { Running } from './processes.js';

export interface Load {
  server: Running;
  /** Of every request, or of the next one. */
  path: string | (() => string);
  method?: 'GET' | 'POST' | 'PUT';
  headers?: Record<string, string>;
  body?: string;
  connections: number;
  seconds: number;
}

export interface LoadResult {
  /** Answers a second. */
  rate: number;
  /** Processor time of the server for an answer, in µs. */
  cpu: number;
  /** Of answers, in ms. */
  p99: number;
  /** How many answers had each status; 0: no answer. */
  statuses: Record<number, number>;
}

/** Sends requests over `connections` connections, one at a time on each, for `seconds`. */
export async function load({ server, path, method = 'GET', headers = {}, body, connections, seconds }: Load): Promise<LoadResult> {
  const asked = typeof path === 'string' ? { url: server.origin + path } : { url: server.origin, requests: [{ setupRequest: (request: autocannon.Request) => ({ ...request, path: path() }) }] };
  const cpuBefore = server.cpu();
  const result = await autocannon({ ...asked, method, headers, connections, duration: seconds, ...(body === undefined ? {} : { body }) });
  const statuses: Record<number, number> = {};
  for (const [status, { count }] of Object.entries(result.statusCodeStats ?? {})) statuses[Number(status)] = count ?? 0;
  const lost = result.errors + result.timeouts;
  if (lost > 0) statuses[0] = lost;
  const answers = Object.entries(statuses).reduce((sum, [status, count]) => (status === '0' ? sum : sum + count), 0);
  const cpu = ((server.cpu() - cpuBefore) / answers) * 1e6;
  return { rate: answers / result.duration, cpu, p99: result.latency.p99, statuses };
}

/** @throws Error when an answer had another status than `expected` */
export function expectOnly(result: LoadResult, expected: number): LoadResult {
  const others = Object.entries(result.statuses).filter(([status]) => Number(status) !== expected);
  if (others.length > 0) throw new Error(`expected only ${expected}, but got ${JSON.stringify(result.statuses)}`);
  return result;
}

/** Loads both by turns, `rounds` times after a short warm-up of each, so that what disturbs one disturbs the other. */
export async function sideBySide(
  rounds: number,
  ...sides: [() => Promise<LoadResult>, () => Promise<LoadResult>]
): Promise<[LoadResult[], LoadResult[]]> {
  const results: [LoadResult[], LoadResult[]] = [[], []];
  for (let round = 0; round <= rounds; round += 1) {
    for (const [index, side] of sides.entries()) {
      const result = await side();
      if (round > 0) results[index as 0 | 1].push(result);
    }
  }
  return results;
}

/** Answers a second over all rounds. */
export const rate = (results: readonly LoadResult[]) => median(results.map((result) => result.rate));

/** The median of the ratios of rounds that were measured one after the other. */
export function ratio(ours: readonly LoadResult[], theirs: readonly LoadResult[]): number {
  return median(ours.map((our, round) => our.rate / (theirs[round]?.rate ?? Number.NaN)));
}

/** What an answer cost, of both sides: says more than the rates when the machine is busy. */
export function costs(ours: readonly LoadResult[], theirs: readonly LoadResult[]): string {
  const [our, their] = [ours, theirs].map((results) => median(results.map(({ cpu }) => cpu))) as [number, number];
  return `processor time: ${our.toFixed(0)} µs beside ${their.toFixed(0)} µs, ratio ${(their / our).toFixed(2)}`;
}
