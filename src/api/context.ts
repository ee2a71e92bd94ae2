// What middleware knows of a request by the time a route answers it.

import type { Context } from 'koa';
import type { CommandContext } from '../commands/handle.js';
import type { Principal } from './principal.js';
import type { RenderedJson } from './rendered.js';

export interface ApiState {
  requestId: string;
  /** Headers of the answer, whatever it becomes: names and values by turns. */
  head: string[];
  /** Set where requests are traced. */
  traceId?: string;
  /** Who asks; set once authenticated. */
  principal?: Principal;
  /** When its token is good no longer, in ms since 1970. */
  tokenExpiresAt?: number;
  /** The path of the route, ids as names; set once there is one. */
  route?: string;
  /** The answer as JSON that was made before, or is bytes already; instead of a body. */
  rendered?: RenderedJson | Buffer;
}

export type ApiContext = Context & { state: ApiState; params: Record<string, string> };

/** Who asks. @throws TypeError on a route that needs no authentication */
export function principalOf(ctx: ApiContext): Principal {
  const { principal } = ctx.state;
  if (principal === undefined) throw new TypeError('the route is not authenticated');
  return principal;
}

/** The context in which a request's commands run. */
export function commandContext(ctx: ApiContext): CommandContext {
  const { organizationId, sub } = principalOf(ctx);
  const { requestId } = ctx.state;
  return { organizationId, actor: { sub }, requestId, correlationId: requestId, causationId: null };
}

/** Has a request answered with JSON that is made already. */
export function answerMade(ctx: ApiContext, json: RenderedJson | Buffer, status = 200): void {
  ctx.status = status;
  ctx.state.rendered = json;
}
