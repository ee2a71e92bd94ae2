// The service for tests: the real one, in this process or in one of its own, on a free port and a
// folder of its own.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import { readSettings } from '../../src/config.js';
import { startService } from '../../src/service.js';
import { signToken } from '../../src/cli/token.js';
import { expectDescribed } from './described.js';
import { temporaryFolder } from './folder.js';

export const JWT_SECRET = 'a secret for tests only and long enough to be one';
export const ENCRYPTION_KEY = Buffer.alloc(32, 7).toString('base64');

/** Settings of a test service: no limits, no log. */
export const testEnvironment: Record<string, string> = {
  PORT: '0',
  JWT_SECRET,
  ENCRYPTION_KEY,
  RATE_LIMIT_PER_HOUR: '0',
  RATE_LIMIT_PER_MINUTE: '0',
  LOG_LEVEL: 'silent',
};

/** A token for an organization; `scope` narrows what it allows. */
export function tokenFor(organizationId: string, { sub = 'tester', scope, expires = '1h' }: { sub?: string; scope?: string; expires?: string } = {}): string {
  return signToken(readSettings({ ...testEnvironment }), { organizationId, sub, scope, expires });
}

export interface Reply {
  status: number;
  headers: Headers;
  /** The parsed JSON body; undefined when there is none. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test looks into whatever came
  body: any;
  text: string;
}

/** A client of one organization. Every answer is held against the description that the service serves. */
export class Client {
  constructor(
    readonly baseUrl: string,
    readonly token: string,
  ) {}

  get = (path: string, headers: Record<string, string> = {}) => this.send('GET', path, undefined, headers);
  post = (path: string, body?: unknown, headers: Record<string, string> = {}) => this.send('POST', path, body, headers);
  put = (path: string, body: unknown, headers: Record<string, string> = {}) => this.send('PUT', path, body, headers);
  patch = (path: string, body: unknown, headers: Record<string, string> = {}) => this.send('PATCH', path, body, headers);
  delete = (path: string, headers: Record<string, string> = {}) => this.send('DELETE', path, undefined, headers);

  /** `body` is sent as JSON; a string or Buffer as it is. */
  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const raw = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? (body as string) : JSON.stringify(body);
    const response = await fetch(`${this.baseUrl}${path}`, {
      method,
      headers: { Authorization: `Bearer ${this.token}`, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
      ...(raw === undefined ? {} : { body: raw }),
    });
    const text = await response.text();
    await expectDescribed(response.url, method, { status: response.status, headers: response.headers, text });
    const isJson = /[/+]json\b/.test(response.headers.get('Content-Type') ?? '') && text !== '';
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
  }
}

/** Whether a request failed because its connection broke. `fetch` comes from another realm than the tests: no `instanceof`. */
export function connectionBroke(error: unknown): boolean {
  const { name, message } = error as Error;
  return name === 'TypeError' && ['fetch failed', 'terminated'].includes(message);
}

export interface TestService {
  dataDir: string;
  /** Scheme, host and port. */
  origin: string;
  client(organizationId?: string, options?: { sub?: string; scope?: string; expires?: string }): Client;
  stop(): Promise<void>;
}

let organizations = 0;

/** An organization no other test uses. */
export const newOrganization = () => `org_${process.pid}_${(organizations += 1)}`;

/** Starts the service in this process. */
export async function startTestService(environment: Record<string, string> = {}, dataDir = temporaryFolder()): Promise<TestService> {
  const settings = readSettings({ ...testEnvironment, DATA_DIR: dataDir, ...environment });
  const service = await startService(settings, pino({ level: settings.LOG_LEVEL }));
  const origin = `http://127.0.0.1:${service.port}`;
  return {
    dataDir,
    origin,
    client: (organizationId = newOrganization(), options = {}) => new Client(`${origin}/api/v1`, tokenFor(organizationId, options)),
    stop: () => service.stop(),
  };
}

export interface ServiceProcess extends TestService {
  child: ChildProcess;
  /** Ends it with SIGKILL and waits until it is gone. */
  kill(): Promise<void>;
}

export const binary = fileURLToPath(new URL('../../bin/contacts.js', import.meta.url));

/** Starts the service as a process of its own, from what was built. */
export async function startServiceProcess(environment: Record<string, string> = {}, dataDir = temporaryFolder()): Promise<ServiceProcess> {
  const env = { PATH: process.env.PATH ?? '', ...testEnvironment, DATA_DIR: dataDir, ...environment, LOG_LEVEL: 'info' };
  const child = spawn(process.execPath, [binary, 'serve'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  process.once('exit', () => child.kill('SIGKILL'));
  // One that a failed test leaves behind must not keep the test process from ending.
  for (const handle of [child, child.stdout, child.stderr] as { unref?(): void }[]) handle.unref?.();
  const port = await listeningPort(child);
  const origin = `http://127.0.0.1:${port}`;
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exited;
  };
  return {
    child,
    dataDir,
    origin,
    client: (organizationId = newOrganization(), options = {}) => new Client(`${origin}/api/v1`, tokenFor(organizationId, options)),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

async function listeningPort(child: ChildProcess): Promise<number> {
  let said = '';
  child.stderr?.on('data', (text: Buffer) => (said += text.toString()));
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  return new Promise<number>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the service ended with ${code} before it listened: ${said}`)));
    lines.on('line', (line) => {
      const port = /127\.0\.0\.1:(\d+)\/api\/v1, data in/.exec(line)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
  });
}
