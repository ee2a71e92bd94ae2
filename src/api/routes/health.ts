// Whether the process lives, and whether it can do its work.

import { z } from 'zod';
import type { ApiDeps } from '../deps.js';
import type { PublicRoute } from '../publicRoutes.js';

const healthSchema = z.strictObject({ status: z.enum(['ok', 'unavailable']) }).meta({ id: 'Health', description: 'How it stands.' });

export function healthRoutes({ ready, stopping }: ApiDeps['health']): PublicRoute[] {
  return [
    {
      path: '/health/live',
      id: 'isLive',
      tag: 'Service',
      summary: 'Whether the process lives',
      responses: { 200: { description: 'It does', schema: healthSchema, example: { status: 'ok' } } },
      handle: (ctx) => {
        ctx.body = { status: 'ok' };
      },
    },
    {
      path: '/health/ready',
      id: 'isReady',
      tag: 'Service',
      summary: 'Whether it can do its work',
      description: 'Turns 503 before a stop, so that a load balancer sends requests elsewhere.',
      responses: {
        200: { description: 'It can', schema: healthSchema, example: { status: 'ok' } },
        503: { description: 'It cannot now', schema: healthSchema, example: { status: 'unavailable' } },
      },
      handle: async (ctx) => {
        const isReady = !stopping() && (await ready().catch(() => false));
        ctx.status = isReady ? 200 : 503;
        ctx.body = { status: isReady ? 'ok' : 'unavailable' };
      },
    },
  ];
}
