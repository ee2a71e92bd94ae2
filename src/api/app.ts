// The HTTP application: middleware in order, then the routes.

import cors from '@koa/cors';
import Koa from 'koa';
import { authenticate } from './middleware/authenticate.js';
import { answered } from './middleware/answered.js';
import { observed } from './middleware/observed.js';
import type { ApiDeps, RouteDeps } from './deps.js';
import { auditRoutes } from './routes/audit.js';
import { auditHeadRoutes } from './routes/auditHead.js';
import { chartRoutes } from './routes/chart.js';
import { companyRoutes } from './routes/companies.js';
import { contactEndRoutes } from './routes/contactEnds.js';
import { contactRoutes } from './routes/contacts.js';
import { deliveryRoutes } from './routes/deliveries.js';
import { docsRoutes } from './routes/docs.js';
import { eventRoutes } from './routes/events.js';
import { groupRoutes } from './routes/groups.js';
import { historyRoutes } from './routes/history.js';
import { healthRoutes } from './routes/health.js';
import { metricsRoute } from './routes/metrics.js';
import { asyncApiRoute, openApiRoute } from './routes/reference.js';
import { openApiDocument } from './openapi/document.js';
import { publicRouter, type PublicRoute } from './publicRoutes.js';
import { webhookRoutes } from './routes/webhooks.js';
import { apiRouter } from './router.js';
import type { Route } from './routing.js';

/** Every route below the base path. */
export function apiRoutes(deps: RouteDeps): Route[] {
  return [...contactRoutes(deps), ...contactEndRoutes(deps), ...groupRoutes(deps), ...companyRoutes(deps), ...historyRoutes(deps), ...chartRoutes(deps), ...auditRoutes(deps), ...auditHeadRoutes(deps), ...webhookRoutes(deps), ...deliveryRoutes(deps), ...eventRoutes(deps)];
}

/** Every route outside of it; one of them describes them all. */
function publicRoutes(deps: ApiDeps, routes: readonly Route[]): PublicRoute[] {
  const described = [...healthRoutes(deps.health), ...docsRoutes(), metricsRoute(deps.metrics), asyncApiRoute()];
  return [...described, openApiRoute((own) => openApiDocument(routes, [...described, own]))];
}

/** The application; it is given a server by whoever starts it. */
export function createApp(deps: ApiDeps): Koa {
  const { logger, tokens, limits, trustProxy, corsOrigins } = deps;
  // One proxy is believed, for the address that it saw itself: what stands before it, a client may have written.
  const app = new Koa({ proxy: trustProxy, maxIpsCount: 1 });
  app.on('error', (error: Error & { code?: string }) => {
    // Answers that break off: the client left, or a stream failed half-way.
    logger.warn({ name: error.name, code: error.code }, 'an answer broke off');
  });
  const routes = apiRoutes(deps);
  app.use(observed(logger, deps.metrics.requests));
  app.use(answered(logger, deps.health.stopping));
  if (corsOrigins !== undefined) app.use(allowOrigins(corsOrigins));
  app.use(publicRouter(publicRoutes(deps, routes)));
  app.use(authenticate({ ...tokens, failures: limits.failures }));
  app.use(limits.middleware);
  app.use(apiRouter(routes));
  return app;
}

function allowOrigins(origins: readonly string[]): Koa.Middleware {
  return cors({
    origin: (ctx) => (origins.includes(ctx.get('Origin')) ? ctx.get('Origin') : ''),
    exposeHeaders: ['ETag', 'Link', 'Location', 'Retry-After', 'X-Request-Id', 'X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset', 'Idempotency-Replayed'],
  });
}
