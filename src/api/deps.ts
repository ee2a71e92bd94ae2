// What the API works with.

import type { Logger } from 'pino';
import type { CommandDeps } from '../commands/deps.js';
import type { ReadStore } from '../ports/readStore.js';
import type { IdempotencyDeps } from './idempotency.js';
import type { RateLimits } from './middleware/rateLimit.js';
import type { TokenKeys } from './tokenKeys.js';

export interface RouteDeps {
  commands: CommandDeps;
  readStore: ReadStore;
  idempotency: IdempotencyDeps;
}

export interface ApiDeps extends RouteDeps {
  logger: Logger;
  tokens: { keys: TokenKeys; issuer: string | undefined; audience: string | undefined };
  limits: RateLimits;
  trustProxy: boolean;
  /** Origins that browsers may call from; undefined: none. */
  corsOrigins: string[] | undefined;
  metrics: {
    /** Told of every request. */
    request: (request: { method: string; route: string | undefined; status: number; seconds: number }) => void;
    /** All that is measured, in the text format of Prometheus. */
    text: () => Promise<string>;
    contentType: string;
  };
  health: {
    /** What keeps the service from doing all of its work now, a line each; none: nothing does. */
    problems: () => Promise<string[]>;
    /** Whether it is shutting down, so that connections should go elsewhere. */
    stopping: () => boolean;
  };
}
