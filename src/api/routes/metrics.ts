// GET /metrics: what is measured, for Prometheus.

import { z } from 'zod';
import type { ApiDeps } from '../deps.js';
import type { PublicRoute } from '../publicRoutes.js';

export function metricsRoute({ text, contentType }: ApiDeps['metrics']): PublicRoute {
  return {
    path: '/metrics',
    id: 'getMetrics',
    tag: 'Service',
    summary: 'What is measured, for Prometheus',
    description: 'Durations by route, batches and syncs, lags behind the log, the process. Names no organization and no person.',
    responses: { 200: { description: 'Metrics in the text format of Prometheus', schema: z.string(), mediaType: 'text/plain' } },
    handle: async (ctx) => {
      ctx.set({ 'Content-Type': contentType, 'Cache-Control': 'no-store' });
      ctx.body = await text();
    },
  };
}
