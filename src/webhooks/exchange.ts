// One exchange with a receiver: a POST and its answer, bounded in time and in what is read. What
// went wrong is said in words of ours, which name no address.

import { Agent, errors, request } from 'undici';
import { guardedConnector, type ConnectorOptions } from './connector.js';

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

/** Posts to receivers; connections are kept open between posts. */
export class Sender {
  private readonly agent: Agent;
  private readonly exchangeMs: number;

  constructor({ exchangeMs = EXCHANGE_MS, ...connecting }: SenderOptions) {
    this.exchangeMs = exchangeMs;
    this.agent = new Agent({ connect: guardedConnector(connecting), headersTimeout: exchangeMs, bodyTimeout: exchangeMs });
  }

  /** Posts `body`; whatever happens is an answer of some kind. @throws only when `signal` aborted */
  async post(url: string, headers: Record<string, string>, body: Buffer, signal: AbortSignal): Promise<Answered> {
    const start = performance.now();
    const answered: Answered = { status: null, error: null, excerpt: null, retryAfter: undefined, durationMs: 0 };
    const ending = new AbortController();
    const end = () => ending.abort();
    const timer = setTimeout(end, this.exchangeMs);
    signal.addEventListener('abort', end);
    try {
      const answer = await request(url, { method: 'POST', headers, body, signal: ending.signal, dispatcher: this.agent });
      answered.status = answer.statusCode;
      answered.retryAfter = [answer.headers['retry-after']].flat()[0];
      answered.error = statusError(answer.statusCode);
      answered.excerpt = await readExcerpt(answer.body);
    } catch (error) {
      if (signal.aborted) throw error;
      answered.error = ending.signal.aborted ? `no whole answer within ${this.exchangeMs / 1_000} s` : failureOf(error);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
    }
    answered.durationMs = Math.round((performance.now() - start) * 10) / 10;
    return answered;
  }

  /** Lets go of every connection. */
  async close(): Promise<void> {
    await this.agent.destroy();
  }
}

function statusError(status: number): string | null {
  if (status >= 200 && status < 300) return null;
  return status >= 300 && status < 400 ? `HTTP ${status}: redirects are not followed` : `HTTP ${status}`;
}

/** The beginning of a body. One that goes on beyond what is read is cut off, and its connection with it. */
async function readExcerpt(body: AsyncIterable<Buffer> & { destroy(): unknown }): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    if (bytes < KEPT_BYTES) chunks.push(chunk.subarray(0, KEPT_BYTES - bytes));
    bytes += chunk.length;
    // Leaving the loop destroys the body.
    if (bytes > READ_MAX_BYTES) break;
  }
  return bytes === 0 ? null : Buffer.concat(chunks);
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
  if (error instanceof errors.HTTPParserError) return 'the answer is not HTTP';
  if (/CERT|TLS|SSL|SIGN|EPROTO/.test(code)) return 'no secure connection could be made';
  return failures[code] ?? 'the connection failed';
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return (error as { code?: unknown } | null)?.code?.toString() ?? '';
}
