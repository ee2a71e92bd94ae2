// Whether the process lives, and whether it can do its work.

import { z } from 'zod';
import type { ApiDeps } from '../deps.js';
import type { PublicRoute } from '../publicRoutes.js';

const healthSchema = z
  .strictObject({
    status: z.enum(['ok', 'unavailable']),
    problems: z.array(z.string()).optional().describe('What keeps it from doing all of its work, a line each.'),
  })
  .meta({ id: 'Health', description: 'How it stands.' });

const STOPPED =
  'the projection contacts is stopped at position 17: ContactUpdated, revision 1 of contact-org_demo-0198c6a2-7d3e-7b11-9a52-3f0c6f0e4d21 (UnreadableEventError)';

export function healthRoutes({ problems, stopping }: ApiDeps['health']): PublicRoute[] {
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
      description:
        'Turns 503 before a stop, so that a load balancer sends requests elsewhere; and while a part of it cannot do its work: `problems` says which and why, the rest goes on.',
      responses: {
        200: { description: 'It can', schema: healthSchema, example: { status: 'ok' } },
        503: { description: 'It cannot now', schema: healthSchema, example: { status: 'unavailable', problems: [STOPPED] } },
      },
      handle: async (ctx) => {
        const found = stopping() ? ['it is stopping'] : await problems();
        ctx.status = found.length === 0 ? 200 : 503;
        ctx.body = found.length === 0 ? { status: 'ok' } : { status: 'unavailable', problems: found };
      },
    },
  ];
}
