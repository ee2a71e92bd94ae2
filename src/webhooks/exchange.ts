// One exchange with a receiver: a POST and its answer, bounded in time and in what is read. What
// went wrong is said in words of ours, which name no address.

import type { Agent, Dispatcher } from 'undici';
import type { ConnectorOptions } from './connector.js';
import type { Address } from './target.js';

/** How long a whole exchange may take, its answer's body included, in ms. */
export const EXCHANGE_MS = 15_000;
/** How much of an answer's body is read, and how much of that is kept, in bytes. */
export const READ_MAX_BYTES = 16_384;
export const KEPT_BYTES = 1_024;

export interface Answered {
  /** The HTTP status; null when there was none. */
  status: number | null;
  /** What went wrong; null when nothing did: the status is a 2xx, and the answer was read in time. */
  error: string | null;
  /** The first kilobyte of the answer's body; null when it has none. */
  excerpt: Buffer | null;
  retryAfter: string | undefined;
  durationMs: number;
}

export interface SenderOptions extends ConnectorOptions {
  exchangeMs?: number;
}

/** The exchange was broken off by the sender: nothing is known of its outcome. */
export class BrokenOffError extends Error {
  override readonly name = 'BrokenOffError';
}

/** Posts to receivers; connections are kept open between posts. */
export class Sender {
  private agent: Promise<Agent> | undefined;
  private readonly exchangeMs: number;
  private readonly connecting: ConnectorOptions;
  private readonly underWay = new Set<Exchange>();
  private brokenOff = false;

  constructor({ exchangeMs = EXCHANGE_MS, ...connecting }: SenderOptions) {
    this.exchangeMs = exchangeMs;
    this.connecting = connecting;
  }

  /** Posts `body`; whatever happens is an answer of some kind. @throws BrokenOffError */
  async post({ origin, path }: Address, headers: Record<string, string>, body: Buffer): Promise<Answered> {
    const start = performance.now();
    const exchange = new Exchange(this.exchangeMs);
    this.underWay.add(exchange);
    try {
      const agent = await (this.agent ??= this.openAgent());
      agent.dispatch({ origin, path, method: 'POST', headers, body }, exchange);
      await exchange.ended;
    } catch (error) {
      exchange.answered.error = failureOf(error);
    } finally {
      this.underWay.delete(exchange);
      exchange.close();
    }
    if (this.brokenOff && exchange.answered.error !== null) throw new BrokenOffError('the exchange was broken off');
    return { ...exchange.answered, durationMs: Math.round((performance.now() - start) * 10) / 10 };
  }

  /** Breaks off what is under way, and all that follows. */
  breakOff(): void {
    this.brokenOff = true;
    for (const exchange of this.underWay) exchange.end('broken off');
  }

  /** Lets go of every connection. */
  async close(): Promise<void> {
    await (await this.agent)?.destroy();
  }

  /** The client is loaded by the first post: it is a tenth of the memory of a service that has no webhooks. */
  private async openAgent(): Promise<Agent> {
    const [{ Agent }, { guardedConnector }] = await Promise.all([import('undici'), import('./connector.js')]);
    return new Agent({ connect: guardedConnector(this.connecting), headersTimeout: this.exchangeMs, bodyTimeout: this.exchangeMs });
  }
}

function statusError(status: number): string | null {
  if (status >= 200 && status < 300) return null;
  return status >= 300 && status < 400 ? `HTTP ${status}: redirects are not followed` : `HTTP ${status}`;
}

/** One exchange, as undici tells of it. It ends once: by the end of the answer, by what went wrong, or by time. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly answered: Answered = { status: null, error: null, excerpt: null, retryAfter: undefined, durationMs: 0 };
  readonly ended: Promise<void>;
  private finish: () => void = () => undefined;
  private controller: Dispatcher.DispatchController | undefined;
  private over = false;
  private read = 0;
  private readonly timer: NodeJS.Timeout;

  constructor(exchangeMs: number) {
    this.ended = new Promise((resolve) => (this.finish = resolve));
    this.timer = setTimeout(() => this.end(`no whole answer within ${exchangeMs / 1_000} s`), exchangeMs);
  }

  /** Ends it before its time; `error` is why, null when enough was read. */
  end(error: string | null): void {
    if (!this.over && error !== null) this.answered.error = error;
    this.settle();
    this.controller?.abort(new Error('enough'));
  }

  close(): void {
    clearTimeout(this.timer);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.over) controller.abort(new Error('too late'));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Record<string, string | string[] | undefined>): void {
    if (status < 200) return;
    this.answered.status = status;
    this.answered.retryAfter = [headers['retry-after']].flat()[0];
    this.answered.error = statusError(status);
  }

  /** One that goes on beyond what is read is cut off, and its connection with it. */
  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.over) return;
    const kept = this.answered.excerpt ?? Buffer.alloc(0);
    if (kept.length < KEPT_BYTES) this.answered.excerpt = Buffer.concat([kept, chunk.subarray(0, KEPT_BYTES - kept.length)]);
    this.read += chunk.length;
    if (this.read > READ_MAX_BYTES) this.end(null);
  }

  onResponseEnd(): void {
    this.settle();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (!this.over) this.answered.error = failureOf(error);
    this.settle();
  }

  private settle(): void {
    this.over = true;
    this.finish();
  }
}

const failures: Record<string, string> = {
  ADDRESS_REFUSED: 'the address is not a public one',
  ENOTFOUND: 'the name was not found',
  ENODATA: 'the name was not found',
  EAI_AGAIN: 'the name could not be resolved',
  ESERVFAIL: 'the name could not be resolved',
  ETIMEOUT: 'the name could not be resolved',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection broke off',
  EPIPE: 'the connection broke off',
  UND_ERR_SOCKET: 'the connection broke off',
  UND_ERR_CONNECT_TIMEOUT: 'the connection was not made in time',
  ETIMEDOUT: 'the connection was not made in time',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the host cannot be reached',
  UND_ERR_HEADERS_OVERFLOW: 'the answer has too many headers',
};

function failureOf(error: unknown): string {
  const code = codeOf(error);
  if (error instanceof Error && error.name === 'HTTPParserError') return 'the answer is not HTTP';
  if (/CERT|TLS|SSL|SIGN|EPROTO/.test(code)) return 'no secure connection could be made';
  return failures[code] ?? 'the connection failed';
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return (error as { code?: unknown } | null)?.code?.toString() ?? '';
}
